"""Every connection of the service is encrypted and says who it is; and whoever is not whom it says gets nothing."""

import asyncio
import ssl
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import aiohttp
import psycopg2
import pytest
from pydantic import SecretStr

from models.errors import Unavailable
from streams import topics
from streams.adapters.postgres.connections import Postgres
from streams.adapters.redis_cache import RedisPaymentCache
from streams.adapters.redis_connecting import LEFT_ALONE_S, connect
from streams.settings import SettingsRefused
from tests.certificates import Authority
from tests.deployed.conftest import Client, Deployment
from tests.deployed.kafka import PLAIN_PASSWORD, SCRAM_PASSWORD
from tests.system.operator import told

TRIES = 3


async def test_a_payment_is_made_read_and_looked_into_with_nothing_in_the_clear(
    deployment: Deployment, client: Client
) -> None:
    key = str(uuid4())
    status, _, payment = await client.pay(key)
    assert (status, payment["status"]) == (201, "captured")
    path = f"/v1/payments/{payment['id']}"
    assert (await client.ask("POST", f"{path}/refunds", {"amount": 500}, Idempotency_Key=f"{key}-r"))[
        0
    ] == 201
    assert (await client.ask("GET", path))[2]["amount_refunded"] == 500
    for arguments in (("topics",), ("payments", "show", payment["id"])):
        await told(deployment, *arguments)
    assert await told(deployment, "reconcile", "--no-stripe")


def sasl(deployment: Deployment, mechanism: str, password: str) -> dict[str, Any]:
    return {"kafka_sasl_mechanism": mechanism, "kafka_password": SecretStr(password)}


async def test_kafka_knows_us_by_either_password(deployment: Deployment) -> None:
    for mechanism, password in (("SCRAM-SHA-512", SCRAM_PASSWORD), ("PLAIN", PLAIN_PASSWORD)):
        assert await topics.create(deployment.settings(**sasl(deployment, mechanism, password))) == []


def by_certificate(deployment: Deployment, **others: Any) -> Any:
    return deployment.settings(
        kafka_bootstrap=deployment.kafka.for_certificates,
        kafka_security_protocol="SSL",
        **{
            "kafka_cert_file": str(deployment.kafka_client.certificate),
            "kafka_key_file": str(deployment.kafka_client.key),
            **others,
        },
    )


async def test_kafka_knows_us_by_our_certificate(deployment: Deployment) -> None:
    assert await topics.create(by_certificate(deployment)) == []


async def test_whom_kafka_does_not_know_and_who_is_not_kafka_is_turned_away(
    deployment: Deployment, tmp_path: Any
) -> None:
    others = Authority(tmp_path)
    stranger = others.issue("stranger")
    for refused in (
        deployment.settings(**sasl(deployment, "SCRAM-SHA-512", "wrong")),
        deployment.settings(**sasl(deployment, "PLAIN", "wrong")),
        deployment.settings(kafka_ca_file=str(others.file)),
        deployment.settings(kafka_bootstrap=deployment.kafka.for_passwords.replace("127.0.0.1", "localhost")),
        by_certificate(deployment, kafka_cert_file=None, kafka_key_file=None),
        by_certificate(
            deployment, kafka_cert_file=str(stranger.certificate), kafka_key_file=str(stranger.key)
        ),
    ):
        with pytest.raises(Unavailable, match="does not take our credentials"):
            await topics.create(refused)


async def test_a_database_that_is_not_the_one_that_is_meant_is_not_spoken_to(
    deployment: Deployment, tmp_path: Any
) -> None:
    dsn, others = deployment.postgres_dsn, Authority(tmp_path)
    for wrong in (
        dsn.replace(str(deployment.authority.file), str(others.file)),
        dsn.replace("@localhost:", "@127.0.0.1:"),  # not a name of its certificate
        dsn.replace("verify-full", "disable"),
    ):
        store = Postgres(wrong)
        assert not await store.answers(), wrong
        await store.close()
        with pytest.raises(psycopg2.OperationalError):
            psycopg2.connect(wrong, connect_timeout=2)
    store = Postgres(dsn)
    assert await store.answers()
    await store.close()


async def test_a_cache_that_is_not_the_one_that_is_meant_is_not_spoken_to(
    deployment: Deployment, tmp_path: Any
) -> None:
    url, others = deployment.redis_url, Authority(tmp_path)
    answers: Mapping[str, bool] = {
        url: True,
        url.replace(str(deployment.authority.file), str(others.file)): False,
        url.replace("localhost", "127.0.0.1"): False,
        url.replace("rediss://", "redis://").partition("?")[0]: False,
    }
    for address, answered in answers.items():
        cache = RedisPaymentCache(address)
        tried = [await cache.answers()]
        while len(tried) < TRIES and not tried[-1]:  # on a busy machine a handshake may take too long for it
            await asyncio.sleep(LEFT_ALONE_S)
            tried.append(await cache.answers())
        assert tried[-1] is answered, address
        await cache.close()


async def test_a_connection_to_redis_reads_no_certificates_again(deployment: Deployment) -> None:
    """It took a fifth of a second here, of which an answer has less; and the loop stood still."""
    redis = connect(deployment.redis_url, 5.0, 8)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ssl, "create_default_context", None)
        assert await asyncio.gather(*(redis.ping() for _ in range(4)))
    await redis.aclose()


def test_certificates_for_redis_that_cannot_be_used_are_refused_by_the_settings_name() -> None:
    with pytest.raises(SettingsRefused, match="MILLRACE_REDIS_URL"):
        RedisPaymentCache("rediss://localhost:1/0?ssl_ca_certs=/nowhere.pem")


async def test_the_door_does_not_answer_in_the_clear(deployment: Deployment) -> None:
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientError):
            await http.get(deployment.url.replace("https", "http") + "/livez")
        with pytest.raises(aiohttp.ClientConnectorCertificateError):
            await http.get(deployment.url + "/livez", ssl=ssl.create_default_context())
