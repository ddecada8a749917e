"""Webhooks as Standard Webhooks signs them: what is ours is read, and what was changed, replayed or forged is refused."""

from typing import Any

import pytest

from millrace_client import webhooks
from millrace_client.webhooks import HeaderMissing, PayloadInvalid, SignatureInvalid, TimestampOff, verify

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
ID, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'
SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
"""Source: the test of `sign` in standard-webhooks' libraries: this secret, id, time and body have this signature."""

FOREIGN = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="


def headers(**other: str) -> dict[str, str]:
    sent = {"webhook-id": ID, "webhook-timestamp": str(AT), "webhook-signature": SIGNATURE}
    return sent | {name.replace("_", "-"): value for name, value in other.items()}


def test_the_published_vector_is_signed_and_verified() -> None:
    assert webhooks.signature(ID, AT, BODY, SECRET) == SIGNATURE
    event = verify(BODY, headers(), SECRET, now_s=AT)
    assert (event.id, event.payload, event.sent_at.timestamp()) == (ID, {"test": 2432232314}, AT)


@pytest.mark.parametrize(
    ("secrets", "signature"),
    [
        (SECRET.removeprefix("whsec_"), SIGNATURE),
        ([OTHER, SECRET], SIGNATURE),
        (SECRET, f"{FOREIGN} v2,{SIGNATURE[3:]} {SIGNATURE} {FOREIGN}"),
        ([OTHER], f"{FOREIGN} {webhooks.signature(ID, AT, BODY, OTHER)}"),
    ],
)
def test_one_good_signature_under_one_of_the_secrets_is_enough(
    secrets: str | list[str], signature: str
) -> None:
    assert verify(BODY, headers(webhook_signature=signature), secrets, now_s=AT).id == ID


@pytest.mark.parametrize(
    ("changed", "refused"),
    [
        ({"webhook_id": "msg_other"}, SignatureInvalid),
        ({"webhook_timestamp": str(AT + 1)}, SignatureInvalid),
        ({"webhook_signature": FOREIGN}, SignatureInvalid),
        ({"webhook_signature": SIGNATURE[:8]}, SignatureInvalid),
        ({"webhook_signature": "v1,"}, SignatureInvalid),
        ({"webhook_signature": "v1,é"}, SignatureInvalid),
        ({"webhook_signature": "v2" + SIGNATURE[2:]}, SignatureInvalid),
        ({"webhook_signature": SIGNATURE[3:]}, SignatureInvalid),
        ({"webhook_id": ""}, HeaderMissing),
        ({"webhook_timestamp": " "}, HeaderMissing),
        ({"webhook_signature": ""}, HeaderMissing),
        ({"webhook_timestamp": "hello"}, HeaderMissing),
        ({"webhook_timestamp": f"-{AT}"}, HeaderMissing),
        ({"webhook_timestamp": "9" * 400}, HeaderMissing),
    ],
)
def test_whatever_was_changed_is_refused(changed: dict[str, Any], refused: type[Exception]) -> None:
    with pytest.raises(refused):
        verify(BODY, headers(**changed), SECRET, now_s=AT)


@pytest.mark.parametrize(("body", "secrets"), [(BODY + b" ", SECRET), (BODY, OTHER), (BODY, [OTHER, OTHER])])
def test_another_body_or_secret_is_refused(body: bytes, secrets: str | list[str]) -> None:
    with pytest.raises(SignatureInvalid):
        verify(body, headers(), secrets, now_s=AT)


@pytest.mark.parametrize("off_s", [-301, 301])
def test_what_is_too_old_or_too_new_is_refused_unless_more_is_tolerated(off_s: int) -> None:
    with pytest.raises(TimestampOff):
        verify(BODY, headers(), SECRET, now_s=AT + off_s)
    assert verify(BODY, headers(), SECRET, now_s=AT + off_s, tolerance_s=301).id == ID
    with pytest.raises(TimestampOff):
        verify(BODY, headers(), SECRET)  # the clock is the machine's, years later


def test_header_names_are_read_in_any_case_and_text_as_utf_8() -> None:
    titled = {name.title(): value for name, value in headers().items()}
    assert verify(BODY.decode(), titled, SECRET, now_s=AT).id == ID


def test_an_event_is_told_by_type_and_data() -> None:
    body = '{"type": "payment.captured.v1", "data": {"amount": 1999, "note": "für"}, "more": 1}'
    signed = headers(webhook_signature=webhooks.signature(ID, AT, body, SECRET))
    event = verify(body, signed, SECRET, now_s=AT)
    assert (event.type, event.data["amount"], event.payload["more"]) == ("payment.captured.v1", 1999, 1)
    for odd in (b"[]", b"\xff", b"", b"[" * 100_000):
        signed = headers(webhook_signature=webhooks.signature(ID, AT, odd, SECRET))
        with pytest.raises(PayloadInvalid):
            verify(odd, signed, SECRET, now_s=AT)


@pytest.mark.parametrize("secrets", ["", "whsec_", "whsec_?", SECRET + "!", SECRET[:-2], [SECRET, "x"], []])
def test_a_secret_that_is_none_verifies_nothing(secrets: str | list[str]) -> None:
    with pytest.raises(ValueError, match="secret") as refused:
        verify(BODY, headers(), secrets, now_s=AT)
    assert "MfKQ" not in str(refused.value)
