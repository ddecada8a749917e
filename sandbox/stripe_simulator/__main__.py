"""`python -m sandbox.stripe_simulator`: the simulator as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import gc
import logging
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import uvloop

from .app import Server
from .simulator import Simulator

PREFIX = "STRIPE_SIMULATOR_"
GC_THRESHOLDS = (50_000, 50, 100)  # most objects live for ever: look at them rarely


def read_arguments(arguments: list[str]) -> argparse.Namespace:
    def default(name: str, otherwise: str | None = None) -> str | None:
        return os.environ.get(PREFIX + name, otherwise)

    parser = argparse.ArgumentParser(
        prog="python -m sandbox.stripe_simulator",
        description="Stripe on loopback. Each option can also be given as "
        + PREFIX
        + "PORT, …_WEBHOOK_URL and so on.",
    )
    parser.add_argument("--host", default=default("HOST", "127.0.0.1"))
    parser.add_argument("--port", type=int, default=default("PORT", "12111"), help="0: any free one, printed")
    parser.add_argument(
        "--data-file", type=Path, default=default("DATA_FILE"), help="without it nothing is kept"
    )
    parser.add_argument("--webhook-url", default=default("WEBHOOK_URL"))
    parser.add_argument(
        "--webhook-secret", action="append", default=None, help="whsec_…; several while one is rolled"
    )
    parser.add_argument("--latency-ms", type=float, default=default("LATENCY_MS", "0"))
    parser.add_argument("--follow-up-s", type=float, default=default("FOLLOW_UP_S", "1"))
    chosen = parser.parse_args(arguments)
    if chosen.webhook_secret is None:
        chosen.webhook_secret = [one for one in (default("WEBHOOK_SECRET") or "").split(",") if one]
    return chosen


def build(chosen: argparse.Namespace) -> Simulator:
    gc.disable()  # a reload makes millions of objects, none of them garbage
    simulator = Simulator(chosen.data_file)
    gc.freeze()
    gc.enable()
    gc.set_threshold(*GC_THRESHOLDS)
    simulator.faults.latency_s = chosen.latency_ms / 1000
    simulator.timing.follow_up_s = chosen.follow_up_s
    if chosen.webhook_url:
        settings = replace(
            simulator.webhooks.settings, url=chosen.webhook_url, secrets=chosen.webhook_secret or []
        )
        simulator.webhooks.settings = settings
    return simulator


async def serve(chosen: argparse.Namespace) -> None:
    started = time.monotonic()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    simulator = build(chosen)
    server = Server(simulator)
    port = await server.start(chosen.host, chosen.port)
    took = time.monotonic() - started
    print(
        f"Stripe simulator on http://{chosen.host}:{port} ({len(simulator.books.objects)} objects, {took:.1f} s)"
    )
    sys.stdout.flush()
    await stop.wait()
    await server.stop()


def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    uvloop.run(serve(read_arguments(sys.argv[1:])))


if __name__ == "__main__":
    main()
