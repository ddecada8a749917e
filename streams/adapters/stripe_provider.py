"""The payment provider's port, spoken to Stripe. It sends a call and says what is known of it; it keeps no payment's state.

The ladder of a call, all of it within its slot:

    1  older than 23 h?      Stripe may have forgotten the key, a POST could be a second charge: only read, thoroughly
    2  POST, same key again  with jitter, while the answer is one that another send may better
    3  read                  when it may have been executed and no answer says how it ended
    4  say what is known     Answered, Declined, Rejected; Deferred if no send of this slot can have been executed;
                             else Unknown, which is never a failure

`Deferred` speaks of this slot's sends. Whether an earlier slot's send may have been executed is part of the payment's
state, and a deferred call never moves that.
"""

import asyncio
import logging
import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import NamedTuple

from models.errors import InvariantBroken
from models.provider import (
    Answered,
    CreateIntent,
    Declined,
    Deferred,
    Operation,
    Outcome,
    PspCall,
    ReadIntent,
    Rejected,
    Unknown,
)
from models.recheck import may_be_sent
from streams.adapters.stripe_answers import (
    MAY_HAVE_RUN,
    Meaning,
    code_of,
    error_of,
    is_stored_failure,
    is_worth_repeating,
    meaning_of,
    message_of,
    reason_of,
)
from streams.adapters.stripe_declines import decline_of
from streams.adapters.stripe_line import NO_SEAT, StripeLine, Turn
from streams.adapters.stripe_objects import Malformed, id_of, metadata_of
from streams.adapters.stripe_reading import NOT_LOOKED, Found, look, proves_the_end, snapshot_of
from streams.adapters.stripe_requests import Request, Unsendable, intent_path, request_of
from streams.adapters.stripe_sends import noting
from streams.adapters.stripe_transport import CONNECT_TIMEOUT_S, Answer, Silence
from streams.budget.room import Urgency

SLOT_S = 8.0
"""Seconds in which a call's quick retries begin and end."""
SENDS_MAX = 5
"""Sends of one call in one slot."""
SEND_TIMEOUT_S = 25.0
"""One send, where the slot is longer. Source: Stripe, low-level error handling: its own calls may take that long."""
SEND_ROOM_S = CONNECT_TIMEOUT_S + 0.5
"""A further send is not begun with less time left: cut short while it connects, it would leave doubt for nothing."""
READ_TIMEOUT_S = 3.0
"""The closing look, and each page of it; it comes after the slot."""
LOOK_TIMEOUT_S = 6.0
"""All pages of it."""
THOROUGH_LOOK_TIMEOUT_S = 20.0
"""The same, when it is the last that can be done."""
RETRY_FIRST_S, RETRY_MAX_S = 0.2, 2.0
"""The wait before the second send; doubled up to the longest. Half of each is drawn at random."""
URGENCIES = {
    Operation.CAPTURE: Urgency.MOVE,
    Operation.REFUND: Urgency.MOVE,
    Operation.CANCEL: Urgency.MOVE,
    Operation.CREATE: Urgency.CREATE,
    Operation.READ: Urgency.READ,
}

log = logging.getLogger("millrace.stripe")


class Heard(NamedTuple):
    """What the sends of one slot came to: the last word, and whether any of them may have been executed."""

    last: Answer | Silence
    may_have_run: bool


class StripeProvider:
    """One Stripe account, over its line."""

    def __init__(
        self,
        line: StripeLine,
        *,
        slot_s: float = SLOT_S,
        sends_max: int = SENDS_MAX,
        send_timeout_s: float = SEND_TIMEOUT_S,
        multicapture: bool = False,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`multicapture`: the account may capture one payment several times. `clock` gives the age of keys."""
        self._line = line
        self._slot_s = slot_s
        self._sends_max = sends_max
        self._send_timeout_s = send_timeout_s
        self._multicapture = multicapture
        self._clock = clock

    async def perform(self, call: PspCall) -> Outcome:
        """Make `call` under its own key. Never raises: what went wrong in here, or does not fit the call, is Unknown."""
        with noting() as sends:
            outcome = await self._whatever_happens(call)
        return replace(outcome, sends=tuple(sends))

    async def close(self) -> None:
        await self._line.close()

    async def _whatever_happens(self, call: PspCall) -> Outcome:
        try:
            return await self._perform(call)
        except Unsendable as refusal:
            return Rejected("metadata_invalid", str(refusal))
        except (InvariantBroken, Malformed) as broken:
            log.critical("%s: %s; a person must look", call.key, broken)
            if isinstance(call.ask, ReadIntent):
                return Rejected("not_this_payments", str(broken))
            return Unknown(f"Stripe's answer does not fit the call: {broken}")
        except Exception as error:
            # the type only: a vendor's text may hold what no log should
            log.critical("%s: the adapter failed with %s", call.key, type(error).__name__)
            return Unknown(f"the Stripe adapter failed: {type(error).__name__}")

    async def _perform(self, call: PspCall) -> Outcome:
        with self._line.turn(URGENCIES[call.operation], call.requested_at) as turn:
            if turn is None:
                return Deferred(NO_SEAT)
            if isinstance(call.ask, ReadIntent):
                return await self._read(turn, call, call.ask)
            if self._is_too_old(call):
                return await self._look_for_what_is_lost(turn, call)
            heard = await self._send(turn, call, request_of(call, self._multicapture))
            return await self._conclude(turn, call, heard)

    async def _read(self, turn: Turn, call: PspCall, ask: ReadIntent) -> Outcome:
        """Nothing moves by it: what could not be read is read later."""
        parameters = {"expand": ["latest_charge"]}
        heard = await turn.get(intent_path(ask.intent), parameters, READ_TIMEOUT_S)
        if isinstance(heard, Answer):
            match meaning_of(heard):
                case Meaning.DONE:
                    assert heard.body is not None
                    snapshot = snapshot_of(call, heard.body, turn.livemode)
                    return (
                        Answered(snapshot) if snapshot else Rejected("nothing_told", "It says nothing yet.")
                    )
                case Meaning.REFUSED:
                    return Rejected(code_of(heard), message_of(heard))
        return Deferred(reason_of(heard))

    async def _look_for_what_is_lost(self, turn: Turn, call: PspCall) -> Outcome:
        """Unknown only if it was looked for everywhere, and not found: what nobody could look for is looked for again."""
        reason = "the key is too old to be sent again"
        found = await self._look(turn, call, thoroughly=True)
        if found.snapshot is not None and proves_the_end(call, found.snapshot):
            return Answered(found.snapshot)
        return Unknown(reason) if found.looked else Deferred(f"{reason}, and Stripe could not be read")

    async def _send(self, turn: Turn, call: PspCall, request: Request) -> Heard:
        """The same bytes under the same key until an answer settles it, or the slot, the sends or the key's age run out."""
        loop = asyncio.get_running_loop()
        ends_at = loop.time() + self._slot_s
        may_have_run = False
        for sends in range(1, self._sends_max + 1):
            heard = await self._post(turn, call, request, min(self._send_timeout_s, ends_at - loop.time()))
            may_have_run = may_have_run or meaning_of(heard) in MAY_HAVE_RUN
            wait_s = _backoff_s(sends)
            there_is_room = sends < self._sends_max and ends_at - loop.time() >= wait_s + SEND_ROOM_S
            if not (there_is_room and is_worth_repeating(heard)):
                break
            await asyncio.sleep(wait_s)
            if self._is_too_old(call):
                break
        return Heard(heard, may_have_run)

    async def _post(self, turn: Turn, call: PspCall, request: Request, timeout_s: float) -> Answer | Silence:
        """The one place that POSTs: never under a key that Stripe may have forgotten, whoever asks."""
        if self._is_too_old(call):
            raise InvariantBroken(f"{call.key} is too old to be sent")
        too_old = partial(self._is_too_old, call)
        heard = await turn.post(request.path, request.parameters, call.key, too_old, timeout_s)
        if meaning_of(heard) is not Meaning.DONE:
            log.info("%s: %s", call.key, reason_of(heard))
        return heard

    async def _conclude(self, turn: Turn, call: PspCall, heard: Heard) -> Outcome:
        last = heard.last
        meaning, reason = meaning_of(last), reason_of(last)
        if isinstance(last, Answer):
            match meaning:
                case Meaning.DONE:
                    return self._answered(turn, call, last)
                case Meaning.DECLINED:
                    return self._declined(call, last)
                case Meaning.REFUSED:
                    return Rejected(code_of(last), message_of(last))
                case Meaning.CONVERGE:
                    return await self._look_after_refusal(turn, call, last)
                case Meaning.STALE_KEY:
                    log.critical("%s: Stripe knows the key with other parameters", call.key)
                    return await self._look_in_doubt(turn, call, reason, ended=False)
        if not heard.may_have_run:
            return Deferred(reason)
        return await self._look_in_doubt(turn, call, reason, ended=is_stored_failure(last))

    def _answered(self, turn: Turn, call: PspCall, answer: Answer) -> Outcome:
        assert answer.body is not None  # what DONE means
        snapshot = snapshot_of(call, answer.body, turn.livemode)
        return Answered(snapshot) if snapshot else Unknown("Stripe's answer does not say how it ended")

    def _declined(self, call: PspCall, answer: Answer) -> Outcome:
        error = error_of(answer) or {}
        decline = decline_of(error)
        log.info(
            "%s: declined, decline_code %s, Stripe's advice %s, network's code %s, request %s",
            call.key,
            *(error.get(name) for name in ("decline_code", "advice_code", "network_decline_code")),
            answer.request_id,
        )
        intent = error.get("payment_intent")
        if isinstance(intent, dict) and metadata_of(intent).get("payment_id") != call.payment_id:
            raise InvariantBroken(f"{call.key}: Stripe declined another payment's intent")
        return Declined(decline, id_of(error, "payment_intent"))

    async def _look_after_refusal(self, turn: Turn, call: PspCall, refusal: Answer) -> Outcome:
        """Not executed, because it stands otherwise than we thought: how it stands is the answer, whatever it is."""
        found = await self._look(turn, call)
        if found.snapshot is not None:
            return Answered(found.snapshot)
        if found.absent or isinstance(
            call.ask, CreateIntent
        ):  # nobody's earlier success: Stripe's no is the end of it
            return Rejected(code_of(refusal), message_of(refusal))
        return Unknown(reason_of(refusal))

    async def _look_in_doubt(self, turn: Turn, call: PspCall, reason: str, ended: bool) -> Outcome:
        """It may have been executed: only what proves how it ended is an answer. `ended`: it is certainly not under way."""
        found = await self._look(turn, call)
        if found.snapshot is not None and (ended or proves_the_end(call, found.snapshot)):
            return Answered(found.snapshot)
        return Unknown(reason)

    async def _look(self, turn: Turn, call: PspCall, thoroughly: bool = False) -> Found:
        try:
            async with asyncio.timeout(THOROUGH_LOOK_TIMEOUT_S if thoroughly else LOOK_TIMEOUT_S):
                return await look(turn, call, READ_TIMEOUT_S, thoroughly)
        except TimeoutError:
            return NOT_LOOKED

    def _is_too_old(self, call: PspCall) -> bool:
        return not may_be_sent(call.requested_at, self._clock())


def _backoff_s(sends: int) -> float:
    longest_s = min(RETRY_FIRST_S * 2 ** (sends - 1), RETRY_MAX_S)
    return random.uniform(longest_s / 2, longest_s)  # noqa: S311 - jitter, not a secret
