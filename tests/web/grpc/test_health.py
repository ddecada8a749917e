"""grpc.health.v1 says what /readyz says: whether the door can serve, now and as it changes, until it closes."""

import asyncio
from typing import Any

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from tests.web.grpc.door import WITHIN_S, GrpcDoor, open_grpc
from tests.web.service import Service

SERVICES = "", "millrace.v1.Payments"
Status = HealthCheckResponse


async def check(door: GrpcDoor, service: str) -> Any:
    request = HealthCheckRequest(service=service)
    return (await HealthStub(door.channel).Check(request, timeout=WITHIN_S)).status


def watch(door: GrpcDoor, service: str) -> Any:
    return HealthStub(door.channel).Watch(HealthCheckRequest(service=service), timeout=WITHIN_S)


@pytest.mark.parametrize("service", SERVICES)
async def test_a_door_that_is_ready_serves(door: GrpcDoor, service: str) -> None:
    assert await check(door, service) == Status.SERVING


@pytest.mark.parametrize("service", SERVICES)
async def test_where_something_is_missing_it_does_not_serve_until_it_is_back(
    door: GrpcDoor, service: str
) -> None:
    told = watch(door, service)
    assert (await told.read()).status == Status.SERVING
    door.service.missing = {"kafka": "commands cannot be sent"}
    assert (await told.read()).status == Status.NOT_SERVING
    assert await check(door, service) == Status.NOT_SERVING
    door.service.missing = {}
    assert (await told.read()).status == Status.SERVING


async def test_a_door_that_is_not_ready_does_not_begin_as_one_that_is(door: GrpcDoor) -> None:
    door.service.missing = {"postgres": "no answer"}
    async with open_grpc(door.service, look_every_s=WITHIN_S) as other:
        assert await check(other, "") == Status.NOT_SERVING


async def test_a_probe_that_hangs_is_not_readiness(door: GrpcDoor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("web.readiness.PROBE_MAX_S", 0.05)
    told = watch(door, "")
    assert (await told.read()).status == Status.SERVING
    door.service.probe_hangs = True
    assert (await told.read()).status == Status.NOT_SERVING


async def test_a_probe_that_fails_is_not_the_last_one() -> None:
    service, failing = Service(), True

    async def readiness() -> dict[str, str]:
        if failing:
            raise RuntimeError("a bug")
        return {}

    service.readiness = readiness  # type: ignore[method-assign]
    async with open_grpc(service) as door:
        told = watch(door, "")
        assert (await told.read()).status == Status.NOT_SERVING
        failing = False
        assert (await told.read()).status == Status.SERVING


async def test_a_service_that_is_not_there_is_told_so(door: GrpcDoor) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await check(door, "millrace.v2.Payments")
    assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    assert (await watch(door, "millrace.v2.Payments").read()).status == Status.SERVICE_UNKNOWN


async def test_whoever_watches_is_told_when_the_door_closes_and_let_go() -> None:
    async with open_grpc(drain_s=WITHIN_S) as door:
        told = watch(door, "")
        assert (await told.read()).status == Status.SERVING
        reading = asyncio.create_task(
            told.read()
        )  # before: of a call that has ended, grpc.aio hands on nothing more
        await asyncio.sleep(0.01)
        draining = asyncio.create_task(door.serving.drain())
        assert (await reading).status == Status.NOT_SERVING
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await told.read()
        assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
        await asyncio.wait_for(draining, WITHIN_S / 2)
