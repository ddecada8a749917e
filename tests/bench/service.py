"""The service that is measured, and what stands beside it: settings, tables and topics, a process for each role."""

import os
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Mapping
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path

import aiohttp

from sandbox.testing import Servers
from streams.adapters.postgres.merchants import ensure_demo_merchants
from tests.bench.rounds import running

ROLES = {
    "writer": "agents.writer",
    "gateway": "agents.gateway",
    "projection": "agents.projection",
    "web": "web",
}
READY_S = 60.0
NEVER_REACHED = "1000000"
"""A rate limit: counted, as always, and never in the way."""

API_KEY = "mr_test_bench"
MERCHANT = "mer_bench"


def environment_of(servers: Servers, stripe_port: int, folder: Path) -> dict[str, str]:
    return {
        "MILLRACE_KAFKA_BOOTSTRAP": servers.kafka().bootstrap,
        "MILLRACE_POSTGRES_DSN": servers.postgres().fresh_database(),
        "MILLRACE_REDIS_URL": servers.redis().url,
        "MILLRACE_STRIPE_API_BASE": f"http://127.0.0.1:{stripe_port}",
        "MILLRACE_STRIPE_API_KEY": "sk_test_bench",
        "MILLRACE_STRIPE_WEBHOOK_SECRETS": "whsec_bench",
        "MILLRACE_INTERNAL_KEY": "bench",
        "MILLRACE_WEBHOOK_KEYS": f"bench:{b64encode(bytes(32)).decode()}",
        "MILLRACE_GROUP_PREFIX": "chain",
        "MILLRACE_DATA_DIR": str(folder),
        "MILLRACE_RATE_LIMIT_KEY_PER_S": NEVER_REACHED,
        "MILLRACE_RATE_LIMIT_MERCHANT_PER_S": NEVER_REACHED,
        "MILLRACE_GRPC_PORT": "0",  # each process a free one
        "BENCH_PREFIX": "bare",
    }


def prepare(environment: Mapping[str, str], merchants: dict[str, str]) -> None:
    """Tables, topics and merchants with their keys, as `make run` makes them."""
    for arguments in (("streams.adapters.postgres", "migrate"), ("millrace", "topics", "create")):
        subprocess.run([sys.executable, "-m", *arguments], env={**os.environ, **environment}, check=True)
    ensure_demo_merchants(environment["MILLRACE_POSTGRES_DSN"], merchants)


def started(
    stack: ExitStack | AsyncExitStack, module: str, port: int, environment: Mapping[str, str], **own: str
) -> int:
    """The pid of a process, of the service's or of a peer's, that answers on that port; it ends with the stack."""
    ports = {"MILLRACE_HTTP_PORT": str(port), "MILLRACE_HEALTH_PORT": str(port)}
    (process,) = stack.enter_context(running((module,), **{**environment, **ports, **own}))
    return process.pid


async def ready(port: int) -> None:
    url, until = f"http://127.0.0.1:{port}/readyz", time.monotonic() + READY_S
    async with aiohttp.ClientSession() as http:
        while True:
            try:
                async with http.get(url) as answer:
                    if answer.status == 200:
                        return
                    said = await answer.text()
            except aiohttp.ClientError as away:
                said = repr(away)
            assert time.monotonic() < until, f"{url} is not ready: {said}"
