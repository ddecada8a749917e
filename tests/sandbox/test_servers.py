"""The local servers are real, and can be taken away and brought back: what every fault test leans on."""

from collections.abc import Callable
from pathlib import Path

import psycopg2
import pytest
import redis as redis_client
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from sandbox import kafka as kafka_module
from sandbox.ports import Ports
from sandbox.processes import is_alive
from sandbox.testing import KafkaServer, Killable, PostgresServer, RedisServer

pytestmark = pytest.mark.real


def test_a_broker_starts_without_an_archive_of_its_classes_that_fits(
    run_folder: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = Ports()
    broker = kafka_module.Kafka(run_folder("kafka"), ports.take(), ports.take())
    broker.prepare()
    broken = run_folder("broken.jsa")
    broken.write_bytes(b"no archive")
    monkeypatch.setattr(kafka_module, "CLASSES", broken)
    try:
        broker.start()
    finally:
        broker.stop()
        ports.close()


async def test_a_record_outlives_a_stopped_and_a_killed_broker(kafka: KafkaServer) -> None:
    await kafka.create_topic("sandbox.outlives", 2, retention_ms="600000")
    for end in (kafka.stop, kafka.kill):
        producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap, acks="all")
        await producer.start()
        await producer.send_and_wait("sandbox.outlives", end.__name__.encode(), partition=0)
        await producer.stop()
        end()
        kafka.start()
    consumer = AIOKafkaConsumer(
        "sandbox.outlives", bootstrap_servers=kafka.bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    read = [(await consumer.getone()).value for _ in range(2)]
    await consumer.stop()
    assert read == [b"stop", b"kill"]


def test_a_committed_row_outlives_a_stopped_and_a_killed_postgresql(postgres: PostgresServer) -> None:
    dsn = postgres.fresh_database()
    run_sql(dsn, "CREATE TABLE kept (how text)")
    for end in (postgres.stop, postgres.kill):
        run_sql(dsn, f"INSERT INTO kept VALUES ('{end.__name__}')")
        end()
        postgres.start()
    assert run_sql(dsn, "SELECT how FROM kept") == [("stop",), ("kill",)]


def test_fresh_databases_share_nothing(postgres: PostgresServer, fresh_database: str) -> None:
    run_sql(fresh_database, "CREATE TABLE mine (x int)")
    assert run_sql(postgres.fresh_database(), "SELECT 1 FROM pg_tables WHERE tablename = 'mine'") == []


def test_a_key_outlives_a_stopped_redis(redis_server: RedisServer) -> None:
    redis_client.Redis.from_url(redis_server.url).set("kept", "yes")
    redis_server.stop()
    redis_server.start()
    assert redis_client.Redis.from_url(redis_server.url).get("kept") == b"yes"


def test_a_killed_server_comes_back_as_another_process(
    kafka: KafkaServer, postgres: PostgresServer, redis_server: RedisServer
) -> None:
    servers: list[Killable] = [kafka, postgres, redis_server]
    for server in servers:
        before = server.pid
        server.kill()
        assert not is_alive(before)
        server.start()
        assert server.pid != before
        assert is_alive(server.pid)


def run_sql(dsn: str, statement: str) -> list[tuple[object, ...]]:
    connection = psycopg2.connect(dsn)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall() if cursor.description else []
    finally:
        connection.close()
