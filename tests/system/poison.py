"""What somebody may put on the command topic that can become no command, and the code its dead letter must have."""

import json
from dataclasses import dataclass
from uuid import uuid4

from models.codes import Code
from streams.delivery import partition_of
from streams.topics import COMMANDS
from tests.system.inquest import Inquest
from tests.system.kafka_client import Headers, KafkaClient, envelope

MIB = 1 << 20


@dataclass
class Odd:
    """A record that can become no command. `key` None: a good one of its own; `partition` None: where murmur2 puts it."""

    code: Code
    value: bytes | None = b"{}"
    key: bytes | None = None
    keyless: bool = False
    headers: Headers | None = None
    type: str = "payment.create.v1"
    misplaced: bool = False


PAYMENT = {"merchant": "mer_x", "amount": 1999, "currency": "usd", "payment_method": "pm_card_visa"}
GOOD = json.dumps(PAYMENT).encode()
ODD = {
    "not UTF-8": Odd(Code.UNDECODABLE, b"\xff\xfe\x00{"),
    "not JSON": Odd(Code.UNDECODABLE, b'{"merchant": "mer_x", '),
    "a JSON list": Odd(Code.UNDECODABLE, b"[1, 2]"),
    "a number beyond all bounds": Odd(Code.UNDECODABLE, b'{"merchant": "mer_x", "amount": 1e999999'),
    "too deep": Odd(Code.UNDECODABLE, b'{"merchant": "mer_x", "metadata": ' + b"[" * 200_000),
    "half a character": Odd(Code.UNDECODABLE, b'{"merchant": "mer_x", "description": "\\ud800"}'),
    "a tombstone": Odd(Code.UNDECODABLE, None),
    "empty": Odd(Code.UNDECODABLE, b""),
    "no merchant": Odd(Code.UNDECODABLE, b'{"amount": 1999}'),
    "a merchant that is a list": Odd(Code.UNDECODABLE, b'{"merchant": ["mer_x"]}'),
    "another version": Odd(Code.UNKNOWN_TYPE, GOOD, type="payment.create.v2"),
    "another type": Odd(Code.UNKNOWN_TYPE, GOOD, type="payment.delete.v1"),
    "no headers": Odd(Code.HEADER_MISSING, GOOD, headers=[]),
    "no id": Odd(Code.HEADER_MISSING, GOOD, headers=[("ce_type", b"payment.create.v1")]),
    "an id without end": Odd(
        Code.HEADER_MISSING, GOOD, headers=[("ce_type", b"payment.create.v1"), ("ce_id", b"x" * 5000)]
    ),
    "a type that is not UTF-8": Odd(Code.UNDECODABLE, GOOD, headers=[("ce_id", b"1"), ("ce_type", b"\xff")]),
    "a header that is null": Odd(
        Code.HEADER_MISSING,
        GOOD,
        headers=[("ce_id", None), ("ce_type", b"payment.create.v1")],  # type: ignore[list-item]
    ),
    "another CloudEvents": Odd(
        Code.UNKNOWN_TYPE,
        GOOD,
        headers=[("ce_specversion", b"2.0"), ("ce_id", b"1"), ("ce_type", b"payment.create.v1")],
    ),
    "no key": Odd(Code.KEY_INVALID, GOOD, keyless=True),
    "a key of another kind": Odd(Code.KEY_INVALID, GOOD, key=b"order-6735"),
    "a key in capitals": Odd(Code.KEY_INVALID, GOOD, key=b"pay_" + b"A" * 32),
    "a key that is not UTF-8": Odd(Code.KEY_INVALID, GOOD, key=b"pay_\xff\xfe"),
    "a key of 100 kB": Odd(Code.KEY_INVALID, GOOD, key=b"pay_" + b"0" * 100_000),
    "the table's own key": Odd(Code.KEY_INVALID, GOOD, key=b"\x00position"),
    "the wrong partition": Odd(Code.KEY_INVALID, GOOD, misplaced=True),
    "an outcome nobody signed": Odd(
        Code.UNSIGNED, b'{"merchant": "mer_x", "call": "c", "outcome": {}}', type="payment.outcome.v1"
    ),
    "a check nobody signed": Odd(Code.UNSIGNED, b'{"merchant": "mer_x"}', type="payment.check.v1"),
    "a notice nobody signed": Odd(Code.UNSIGNED, b'{"merchant": "mer_x"}', type="provider.notice.v1"),
    "almost a MiB of nothing": Odd(Code.UNDECODABLE, b" " * (MIB - 2_000)),
}


async def send_odd(client: KafkaClient, inquest: Inquest, odd: Odd, partitions: int) -> None:
    """Sent, and written down: the inquest expects its dead letter. Raises KafkaError."""
    key = None if odd.keyless else odd.key or f"pay_{uuid4().hex}".encode()
    headers = odd.headers if odd.headers is not None else envelope(str(uuid4()), odd.type, "x")
    partition = None
    if odd.misplaced:
        assert key is not None
        partition = (partition_of(key, partitions) + 1) % partitions
    inquest.perhaps[key, odd.value] = odd.code.value
    place, offset = await client.send(key, odd.value, headers, partition)
    del inquest.perhaps[key, odd.value]
    inquest.poison[f"{COMMANDS}/{place}/{offset}"] = odd.code.value
