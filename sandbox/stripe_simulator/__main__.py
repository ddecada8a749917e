"""`python -m sandbox.stripe_simulator`: the simulator as a process of its own."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import uvloop

from .app import Server
from .books import EVENTS_KEPT
from .simulator import Simulator

PREFIX = "STRIPE_SIMULATOR_"
JOURNAL = "journal"  # its file in a data folder
EPILOG = """Each option can also be given as an environment variable: STRIPE_SIMULATOR_PORT, …_WEBHOOK_URL and so on
(several webhook secrets joined by commas), and `STRIPE_SIMULATOR_WEBHOOK_SECRETS_OF`: accounts with an endpoint of their own,
as JSON, `{"acct_…": ["whsec_…"]}`.

Any key sk_test_… is good, and each one is an account of its own. Then:
  curl http://127.0.0.1:12111/v1/payment_intents -u sk_test_anything: -d amount=1999 -d currency=usd \\
    -d payment_method=pm_card_visa -d "payment_method_types[]=card" -d confirm=true
  curl http://127.0.0.1:12111/_sim/           the controls: ledger, faults, limits, disputes, clock, …
"""
YOUNG_MAX = 10_000
"""Objects that are looked at together, in a millisecond or two. What was in use then is here to stay: looked at again, it would
hold up answers for half a second.
"""


def read_arguments(
    arguments: list[str], prog: str = "python -m sandbox.stripe_simulator"
) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Stripe on loopback: its HTTP under /v1/, signed webhooks, and controls of its own under /_sim/.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    _add_options(parser)
    chosen = parser.parse_args(arguments)
    if chosen.data_file and chosen.data_folder:
        parser.error("give --data-file or --data-folder, not both")
    if chosen.data_folder:
        chosen.data_file = chosen.data_folder / JOURNAL
    if chosen.webhook_secret is None:
        chosen.webhook_secret = [one for one in (_default("WEBHOOK_SECRET") or "").split(",") if one]
    chosen.webhook_secrets_of = json.loads(_default("WEBHOOK_SECRETS_OF") or "{}")
    return chosen


def _add_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--host", default=_default("HOST", "127.0.0.1"), help="address to serve on (%(default)s)")
    add("--port", type=int, default=_default("PORT", "12111"), help="%(default)s; 0: any free one, printed")
    add(
        "--data-file",
        type=Path,
        default=_default("DATA_FILE"),
        help="the journal; without it nothing is kept",
    )
    add("--data-folder", type=Path, default=_default("DATA_FOLDER"), help="a folder for it")
    add("--webhook-url", default=_default("WEBHOOK_URL"), help="where notices go; none: nobody is told")
    add(
        "--webhook-secret",
        action="append",
        metavar="WHSEC",
        help="it signs them; several while one is rolled",
    )
    add("--latency-ms", type=float, default=_default("LATENCY_MS", "0"), help="of every answer (%(default)s)")
    add(
        "--follow-up-s",
        type=float,
        default=_default("FOLLOW_UP_S", "1"),
        help="until a bank debit settles, a refund turns, a dispute opens or is judged (%(default)s)",
    )
    add(
        "--events-kept",
        type=int,
        default=_default("EVENTS_KEPT", str(EVENTS_KEPT)),
        help="events that /v1/events can list, the newest ones of 30 days (%(default)s)",
    )


def _default(name: str, otherwise: str | None = None) -> str | None:
    return os.environ.get(PREFIX + name, otherwise)


def build(chosen: argparse.Namespace) -> Simulator:
    gc.disable()  # a reload makes millions of objects, none of them garbage
    simulator = Simulator(chosen.data_file, events_kept=chosen.events_kept)
    gc.freeze()
    gc.enable()
    gc.set_threshold(YOUNG_MAX)
    gc.callbacks.append(_keep)
    simulator.faults.latency_s = chosen.latency_ms / 1000
    simulator.timing.follow_up_s = chosen.follow_up_s
    if chosen.webhook_url:
        settings = replace(
            simulator.webhooks.settings,
            url=chosen.webhook_url,
            secrets=chosen.webhook_secret or [],
            secrets_of=chosen.webhook_secrets_of,
        )
        simulator.webhooks.settings = settings
    return simulator


def _keep(phase: str, info: dict[str, int]) -> None:
    if phase == "stop":
        gc.freeze()


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


def main(prog: str = "python -m sandbox.stripe_simulator") -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    uvloop.run(serve(read_arguments(sys.argv[1:], prog)))


if __name__ == "__main__":
    main()
