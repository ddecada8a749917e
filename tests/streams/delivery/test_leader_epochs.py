"""Brokers that tell of leaders as they were before the last election."""

import time
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.client import AIOKafkaClient

from sandbox.kafka import create_topic
from sandbox.testing import KafkaServer
from streams.delivery import Partition, leader_epochs
from streams.delivery.leader_epochs import AVOIDED_S, BELIEVED_S, Leader, believed
from streams.delivery.protocol import MetadataResponse_v7

ONE, TWO = ("one", 9092), ("two", 9092)
BROKERS = [(1, *ONE, None), (2, *TWO, None)]


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leader_epochs, "newest", {})
    monkeypatch.setattr(leader_epochs, "late_at", {})


def told(leader: int, epoch: int, cluster: str = "here") -> MetadataResponse_v7:
    partitions: list[Any] = [(0, 3, leader, epoch, [1, 2], [leader], [])]
    return MetadataResponse_v7(0, BROKERS, cluster, 1, [(0, "events", False, partitions)])


def leader_told(response: Any) -> int:
    ((_, _, _, ((code, number, leader, replicas, isr, offline),)),) = response.topics
    assert (code, number, replicas, isr, offline, response.API_VERSION) == (0, 3, [1, 2], [leader], [], 5)
    return int(leader)


def test_an_older_election_is_not_believed_whoever_tells_of_it() -> None:
    heard = [(told(1, 4), ONE, 0.0), (told(2, 5), TWO, 1.0), (told(1, 4), ONE, 2.0), (told(1, 6), ONE, 3.0)]
    assert [leader_told(believed(*each)) for each in heard] == [1, 2, 2, 1]


def test_a_topic_that_was_made_anew_is_believed_when_nobody_has_told_of_the_one_before_for_a_while() -> None:
    believed(told(2, 5), TWO, 0.0)
    assert leader_told(believed(told(1, 0), ONE, BELIEVED_S - 1)) == 2
    assert leader_told(believed(told(1, 0), ONE, BELIEVED_S + 1)) == 1


def test_epochs_of_another_cluster_are_others() -> None:
    believed(told(2, 5), TWO, 0.0)
    assert leader_told(believed(told(1, 0, "elsewhere"), ONE, 1.0)) == 1


def test_who_told_of_what_was_is_not_asked_who_coordinates_for_a_while() -> None:
    cluster = SimpleNamespace(
        brokers=lambda: [SimpleNamespace(nodeId=id, host=host, port=port) for id, host, port, _ in BROKERS]
    )
    client, now = SimpleNamespace(cluster=cluster), time.monotonic()
    choose = leader_epochs.not_cut_off(lambda client: "any")

    believed(told(2, 5), TWO, now)
    believed(told(1, 4), ONE, now - AVOIDED_S - 1)
    assert {choose(client) for _ in range(50)} == {1, 2}
    believed(told(1, 4), ONE, now)
    believed(MetadataResponse_v7(0, BROKERS, "here", 1, []), ONE, now)
    assert {choose(client) for _ in range(50)} == {2}, "who is asked for no topic says nothing about them"
    for address in (ONE, TWO):
        believed(told(1, 4), address, now)
    assert choose(client) == "any", "there is no other"


@pytest.mark.real
async def test_brokers_tell_epochs_to_every_client(kafka: KafkaServer) -> None:
    await create_topic(kafka.bootstrap, topic := "with-epochs", 1, {})
    client = AIOKafkaClient(bootstrap_servers=kafka.bootstrap)
    await client.bootstrap()
    try:
        led_by = (await client.fetch_all_metadata()).leader_for_partition(Partition(topic, 0))
        ((_, leader),) = [(at, one) for at, one in leader_epochs.newest.items() if at[1:] == (topic, 0)]
        assert isinstance(leader, Leader) and leader.epoch >= 0
        assert leader.told[1] == led_by
    finally:
        await client.close()
