"""When an open provider call is looked after again: numbers and one pure function each. No timer lives here."""

from datetime import datetime, timedelta

CALL_LOST_AFTER_S = 600
"""An asked call that nobody answered is asked again (same key) after this; a slot of the gateway is far shorter."""

RECHECK_FIRST_S = 2
RECHECK_MAX_S = 900
"""Waits between tries of a call whose outcome is unknown: doubled from the first to the longest."""

DEFERRED_RECHECK_MAX_S = 120
"""The longest wait of a call that could not be sent: when an account is back, its payments are within two minutes; and what a
long outage writes stays bounded."""

KEY_AGE_MAX_S = 23 * 3600
"""No call is sent under a key older than this. Source: Stripe, idempotent requests: keys are kept at least 24 h."""

GIVEN_UP_S = KEY_AGE_MAX_S + 24 * 3600
"""A call whose key is too old is looked for; at this age, at the latest, it is a person's, when nobody could look (a listing too
long to be gone through, an account that is shut)."""

CLOCKS_APART_S = 3600
"""How far two clocks may be apart. Who sends stops so much earlier than others, by their clocks, count on it."""

EXPIRY_TOLD_BEFORE_S = 24 * 3600
"""How long before an authorisation ends its merchant is told; a shorter one is told of at once."""

ABANDONED_AGAIN_S = 24 * 3600
"""A payment that could not be given up when its customer had left it is tried again after this."""

LOOKED_AGAIN_S = 24 * 3600
"""A payment whose method takes its time (a bank debit: days) is looked at after this, and again: the notice of its end
may be lost."""

CREATE_AGE_MAX_S = 20 * 3600
"""A create that meets no state and waited longer than this is refused: the provider may soon have forgotten its key."""


def lost_check_at(asked_at: datetime) -> datetime:
    """When a call asked for at `asked_at`, for the first time or again, must have come back."""
    return asked_at + timedelta(seconds=CALL_LOST_AFTER_S)


def expiry_told_at(authorized_until: datetime) -> datetime:
    return authorized_until - timedelta(seconds=EXPIRY_TOLD_BEFORE_S)


def abandoned_again_at(at: datetime) -> datetime:
    return at + timedelta(seconds=ABANDONED_AGAIN_S)


def looked_again_at(at: datetime) -> datetime:
    return at + timedelta(seconds=LOOKED_AGAIN_S)


def next_check_at(at: datetime, tries: int) -> datetime:
    """After the `tries`-th (from 0) time a call came back unknown at `at`."""
    return at + timedelta(seconds=min(RECHECK_FIRST_S * 2 ** min(tries, 20), RECHECK_MAX_S))


def deferred_check_at(at: datetime, tries: int) -> datetime:
    """The same where it could not be sent."""
    return min(next_check_at(at, tries), at + timedelta(seconds=DEFERRED_RECHECK_MAX_S))


def key_too_old_at(requested_at: datetime) -> datetime:
    return requested_at + timedelta(seconds=KEY_AGE_MAX_S)


def key_is_too_old(requested_at: datetime, at: datetime) -> bool:
    return at > key_too_old_at(requested_at)


def is_given_up(requested_at: datetime, at: datetime) -> bool:
    """Whether it ends without a look."""
    return at > requested_at + timedelta(seconds=GIVEN_UP_S)


def may_be_sent(requested_at: datetime, at: datetime) -> bool:
    """Under its key, by the sender's clock."""
    return at <= key_too_old_at(requested_at) - timedelta(seconds=CLOCKS_APART_S)
