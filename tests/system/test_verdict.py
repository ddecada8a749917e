"""The judge is judged: each kind of difference, made by hand in what was really found, is noticed and named."""

import pytest

from streams.topics import COMMANDS, EVENTS
from tests.system.groups import READERS, behind
from tests.system.http_client import HttpClient
from tests.system.inquest import Inquest
from tests.system.kafka_client import KafkaClient
from tests.system.stack import System
from tests.system.sums import added_up, misadded
from tests.system.tampering import TAMPERINGS, of_one
from tests.system.verdict import differences

pytestmark = pytest.mark.real


async def test_each_difference_is_noticed_and_named(
    http: HttpClient, kafka_client: KafkaClient, inquest: Inquest
) -> None:
    made = await http.create("judged")
    await http.refund(made.payment_id, "judged-refund", amount=100)
    await http.refund(made.payment_id, "judged-beyond", amount=100_000)
    place, offset = await kafka_client.send(b"poison", b"", [])
    source = f"{COMMANDS}/{place}/{offset}"
    inquest.poison[source] = "key_invalid"
    found = await inquest.hold()
    for invariant, tamperings in TAMPERINGS.items():
        for tamper in tamperings:
            tampered = of_one(found, made.payment_id, source)
            assert not differences(tampered)
            tamper(tampered, made.payment_id)
            words = differences(tampered)
            assert any(each.startswith(invariant) for each in words), f"{tamper.__name__}: {words[:3]}"


async def test_a_log_that_is_not_what_was_read_and_sums_that_do_not_add_up_are_named(
    system: System, http: HttpClient, inquest: Inquest
) -> None:
    made = await http.create("judged-again")
    log = (await inquest.hold()).log
    assert await inquest.read_again() == []
    place = max(log.read)
    content = log.read.pop(place)
    assert [words[:2] for words in await inquest.read_again()] == ["I2"]
    log.read[place] = content + 1
    assert {words[:2] for words in await inquest.read_again()} == {"I2"}
    log.read[place] = content
    assert await inquest.misadded() == []
    added = await added_up(system)
    other = {**added.facts, (made.payment_id, 2): ("captured", 3998, 3998, 0)}
    (words,) = misadded(log, added._replace(facts=other))
    assert words.startswith("I6") and made.payment_id in words
    sums = {whose: moved + (whose[0] == "day") for whose, moved in added.sums.items()}
    assert {words[:2] for words in misadded(log, added._replace(sums=sums))} == {"I6"}


async def test_each_group_that_is_behind_is_named(system: System, http: HttpClient, inquest: Inquest) -> None:
    await http.create("all-groups")
    log = (await inquest.hold()).log
    ends = log.ends(EVENTS)
    assert await behind(system.settings, ends) == []
    further = await behind(system.settings, {number: end + 10**6 for number, end in ends.items()})
    assert {words.partition(" ")[0] for words in further} == set(READERS)
