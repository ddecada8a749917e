"""What a webhook is: signed so that the official library takes it, tried for three days, and never twice under two ids."""

from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from models.webhooks import (
    ATTEMPTS_MAX,
    RETRIES_S,
    Answer,
    Delivery,
    delivery_id,
    headers,
    outcome,
    secret_of,
)

SECRET, OLD = secret_of(b"n" * 32), secret_of(b"o" * 32)
NOW = datetime.now(UTC)
DAY_S = 86_400


def delivery(attempt: int = 1, secrets: tuple[str, ...] = (SECRET,)) -> Delivery:
    id = delivery_id("evt-1", "we_1")
    return Delivery(id, "we_1", "https://shop.example/hook", '{"type": "ä"}', attempt, attempt, secrets, NOW)


def test_the_official_library_takes_it() -> None:
    sent = delivery()
    assert Webhook(SECRET).verify(sent.payload, headers(sent, datetime.now(UTC))) == {"type": "ä"}


@pytest.mark.parametrize("secret", [SECRET, OLD])
def test_while_a_secret_is_rolled_who_has_either_takes_it(secret: str) -> None:
    sent = delivery(secrets=(SECRET, OLD))
    assert Webhook(secret).verify(sent.payload, headers(sent, datetime.now(UTC)))


def test_what_was_changed_on_the_way_is_not_taken() -> None:
    with pytest.raises(WebhookVerificationError):
        Webhook(SECRET).verify('{"type": "b"}', headers(delivery(), datetime.now(UTC)))
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(delivery().payload, headers(delivery(), datetime.now(UTC)))


def test_an_id_is_of_one_event_and_one_endpoint() -> None:
    assert delivery_id("a", "b") == delivery_id("a", "b")
    assert len({delivery_id("a", "b"), delivery_id("b", "a"), delivery_id("a", "c")}) == 3


@pytest.mark.parametrize("status", [200, 204, 299])
def test_what_is_taken_is_delivered(status: int) -> None:
    assert outcome(delivery(), Answer(status, 0.1), 0.5).state == "delivered"


@pytest.mark.parametrize("status", [None, 199, 301, 400, 404, 429, 500, 503])
def test_anything_else_is_tried_again(status: int | None) -> None:
    again = outcome(delivery(), Answer(status, 0.1), 0.0)
    assert (again.state, again.wait_s, again.disable) == ("pending", RETRIES_S[0], None)


def test_attempts_go_on_for_three_days_and_end() -> None:
    waits = [outcome(delivery(attempt), Answer(500, 0.1), 0.0).wait_s for attempt in range(1, ATTEMPTS_MAX)]
    assert waits == sorted(waits)
    assert 3 * DAY_S <= sum(waits) <= 3.5 * DAY_S
    assert outcome(delivery(ATTEMPTS_MAX), Answer(500, 0.1), 0.0).state == "failed"


def test_endpoints_that_come_back_are_not_met_by_all_at_once() -> None:
    first, last = (outcome(delivery(3), Answer(500, 0.1), draw).wait_s for draw in (0.0, 0.999))
    assert first < last <= first * 1.2


def test_who_asks_for_time_is_given_it_within_bounds() -> None:
    waits = [outcome(delivery(), Answer(429, 0.1, retry_after_s=s), 0.0).wait_s for s in (1, 60, 10 * DAY_S)]
    assert waits == [RETRIES_S[0], 60, DAY_S]


def test_who_is_gone_is_asked_no_more() -> None:
    gone = outcome(delivery(), Answer(410, 0.1), 0.0)
    assert gone.state == "failed"
    assert gone.disable is not None
