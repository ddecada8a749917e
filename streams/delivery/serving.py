"""The life of a process: wait for its topics, start, serve until told to stop, hand over in order, end in time.

Exit status 0 is for SIGTERM and SIGINT alone; see `vital.py` for the others.
"""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, NoReturn

import uvloop
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from streams import background
from streams.delivery.logs import quieten
from streams.delivery.memory import freeze
from streams.delivery.vital import die, end_within, tell_tasks

if TYPE_CHECKING:
    from streams.delivery.app import App

LAG_EVERY_S = 5.0
LEAVE_S = 4.0
TOPICS_WAIT_S = 60.0  # for the broker and the topic catalogue, which may start at the same moment as we
TOPICS_LOOK_S = 0.5

log = logging.getLogger("millrace.delivery")


def serve(main: Coroutine[Any, Any, None]) -> NoReturn:
    """Run a composition root on uvloop, which is worth 15-20 %. What escapes it ends the process non-zero."""
    quieten()  # here, for the web process runs no App and has Kafka clients all the same
    try:
        uvloop.run(main)
    except Exception as exc:
        die(f"could not serve: {exc!r}", exc)
    sys.exit(0)


async def serve_until_told(app: "App") -> None:
    _listen(app)
    told = asyncio.ensure_future(app.stop_asked.wait())
    waiting = asyncio.ensure_future(_prepare(app))
    await asyncio.wait([waiting, told], return_when=asyncio.FIRST_COMPLETED)
    if told.done():
        waiting.cancel()
        return
    waiting.result()
    await app.answers.start()
    # Told to stop from here on, Faust is stopped, never cancelled: half started it ignores a cancellation, and a
    # process that left it like that hung until its bound. Its start waits for the first recovery, which may be long.
    starting = asyncio.ensure_future(app.engine.start())
    await asyncio.wait([starting, told], return_when=asyncio.FIRST_COMPLETED)
    if starting.done():
        starting.result()
    freeze()
    tasks: list[asyncio.Task[None]] = [asyncio.create_task(app.measure_lag(LAG_EVERY_S))]
    tasks += [asyncio.create_task(app.run_timer(interval_s, call)) for interval_s, call in app.timers]
    await told
    await background.stop(*tasks)
    await _stop(app)


async def _prepare(app: "App") -> None:
    await _wait_for_topics(app)
    for call in app.preparations:
        await call()


def _listen(app: "App") -> None:
    loop = asyncio.get_running_loop()
    app.loops.append(loop)

    def stop(number: int) -> None:
        log.warning("told to stop by %s", signal.Signals(number).name)
        app.stop_asked.set()

    def told(number: int, _frame: object) -> None:
        """Writes nothing: it may stand in the middle of a line to standard error, which Python lets nobody enter twice.
        What it raised was then logged as that line's error, and the process went on and was deaf to SIGTERM.
        """
        if not app.stopping:
            app.stopping = True
            end_within(app.stop_s, app.loops)
            loop.call_soon_threadsafe(stop, number)

    # Not loop.add_signal_handler: a loop that is stuck would never hear of it, and must end all the more.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, told)


async def _stop(app: "App") -> None:
    await app.hand_over()
    await app.role.release()
    app.left = True
    await app.answers.stop()
    await _leave(app)


async def _leave(app: "App") -> None:
    """Leave the group, so that others take over at once. Not worth waiting for: all of ours is handed over, and with
    a broker away Faust and aiokafka waited here for as long as it stayed away (SIGTERM ended nothing)."""
    leaving = asyncio.ensure_future(app.engine.stop())
    await asyncio.wait([leaving], timeout=LEAVE_S)  # no wait_for: Faust swallows the cancellation
    if not leaving.done():
        tell_tasks(asyncio.get_running_loop())
        log.warning(
            "handed over, but could not leave the group within %g s: its session must run out", LEAVE_S
        )
        logging.shutdown()
        os._exit(0)  # without the threads that would be waited for
    leaving.result()


async def _wait_for_topics(app: "App") -> None:
    """All that this process needs are there, with as many partitions as they must have; else it does not start."""
    needed = {app.role.topic, app.dead_letters} | {
        table.changelog_topic_name for table in app.engine.tables.values()
    }
    counts: dict[str, int] = {}
    why: object = "no answer"
    for _ in range(int(TOPICS_WAIT_S / TOPICS_LOOK_S)):
        try:
            counts = await _partition_counts(app, needed)
            why = f"{counts}"
            if set(counts) == needed:
                break
        except (KafkaError, OSError) as exc:
            why = exc
        await asyncio.sleep(TOPICS_LOOK_S)
    if set(counts) != needed or set(counts.values()) != {app.partitions}:
        die(f"needs the topics {sorted(needed)} with {app.partitions} partitions each; found: {why}")


async def _partition_counts(app: "App", topics: set[str]) -> dict[str, int]:
    admin = AIOKafkaAdminClient(**app.client_settings())
    await admin.start()
    try:
        described = await admin.describe_topics(sorted(topics))
        return {one["topic"]: len(one["partitions"]) for one in described if not one["error_code"]}
    finally:
        await admin.close()
