"""One run from the first customer to the verdict: load, harm, recovery, quiet, and what holds then."""

import asyncio
import contextlib
import re
import time
import traceback
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from tests.faults.catalogue import Fault
from tests.faults.notices import Told, untold, wrongly_told
from tests.faults.recovery import felt
from tests.faults.tools import Missing
from tests.faults.world import World
from tests.system.again import asked_again
from tests.system.secrecy import canaries, leaks
from tests.system.truths import ledger
from tests.system.waiting import until

FLOWS_AFTER = 6  # accepted commands before anything is done, so that the harm meets work
FLOWS_WITHIN_S = 40.0
INJECTED_WITHIN_S = 660.0
RECOVERS_WITHIN_S = 60.0
QUIET_WITHIN_S = 150.0  # T: from the end of the faults and of the customers to the verdict
TOLD_WITHIN_S = 120.0  # a lease of a minute must end for what was under way when its worker was killed
WORDS_MAX = 8
INVARIANTS = re.compile(r"\bI\d+(?:/I\d+)*\b")
OUT_OF_TURN = ("came out of order", "it was not sought")  # of streams.delivery's held.py and transactions.py
HARNESS = "harness"
HEADING = re.compile(r"\d+ found:$|… and ")


@dataclass
class Result:
    """Of one run; a line of JSON. `violations` by invariant; `words`: the first of them."""

    fault: str
    seed: int
    bug: str = ""
    violations: dict[str, int] = field(default_factory=dict)
    words: list[str] = field(default_factory=list)
    missing: str = ""
    recovered_s: list[float] = field(default_factory=list)
    figures: dict[str, float] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    oldest_s: float = 0.0
    """The longest that a command of this run waited for its end, by the log's clock."""
    took_s: float = 0.0

    def found(self, words: list[str]) -> None:
        """What names no invariant did not come within its time, which is I14."""
        words = [each for each in words if not HEADING.match(each)]
        self.words += words[: max(0, WORDS_MAX - len(self.words))]
        counted = Counter(self.violations)
        for each in words:
            named = INVARIANTS.search(each)
            counted.update(named[0].split("/") if named else ["I14"])
        self.violations = dict(counted)

    def failed(self, error: BaseException) -> None:
        """The harness itself did: nothing is known of the service."""
        self.violations[HARNESS] = 1
        self.words += [repr(error), *traceback.format_exception(error)[-1:]]

    def line(self) -> dict[str, Any]:
        return asdict(self)


async def run(world: World, fault: Fault, seed: int, bug: str = "") -> Result:
    """Never raises for what the system does wrong: that is in the result."""
    result, began = Result(fault.id, seed, bug), time.monotonic()
    world.begin(fault.id, seed)
    before = await _counted(world)
    try:
        if fault.with_load:
            async with world.load():
                await _flows(world)
                result.missing = await _inject(world, fault)
                result.recovered_s = await recovered(world)
        else:
            result.missing = await _inject(world, fault)
            async with world.load():
                await _flows(world)
            result.recovered_s = await recovered(world)
        await asked_again(world.http, world.history, world.random)
        await world.whole()
        await world.inquest.hold(QUIET_WITHIN_S)
        result.found([*await _misused_keys(world), *_out_of_turn(world)])
    except AssertionError as wrong:
        result.found(str(wrong).splitlines())
    except (TimeoutError, ExceptionGroup) as stuck:
        result.found([f"I14 it got stuck: {stuck!r}"])
    except Exception as error:
        result.failed(error)
    clients = felt(world.history, began)
    after = await _counted(world)
    result.oldest_s = _oldest_s(world, time.time() - (time.monotonic() - began))
    result.figures = {name: after[name] - before[name] for name in after} | {
        "attempts": clients.attempts,
        "unavailable": round(clients.unavailable, 4),
        "p99_s": round(clients.p99_s, 2),
    }
    result.notes, result.took_s = world.notes, round(time.monotonic() - began, 1)
    return result


async def close(world: World, bug: str = "") -> Result:
    """What is judged once, when a system has served: that all was told, that nothing secret is anywhere, no key was too old."""
    result, began = Result("end", 0, bug), time.monotonic()
    log, got, first_at = world.inquest.log, world.receiver.got, world.receiver.first_at
    told = Told(got, world.hooks, first_at)
    try:
        await world.inquest.hold(QUIET_WITHIN_S)
        with contextlib.suppress(AssertionError):  # what is missing then is said by name
            await until(lambda: not untold(log, told), TOLD_WITHIN_S, "all is told")
        so_far = replace(told, got=list(got))
        wrong = await world.inquest.read_again()  # what was told until then must be in the log by now
        wrong += [
            *wrongly_told(log, so_far),
            *untold(log, told),
            *await world.inquest.misadded(),
        ]
        planted = {each["id"]: each["api_key"] for each in world.system.merchants}
        wrong += await leaks(world.system, canaries(world.system, planted))
        wrong += [*await _misused_keys(world), *_out_of_turn(world)]
        result.found(wrong)
        result.figures = {"told": len(got)}
    except AssertionError as unheld:
        result.found(str(unheld).splitlines())
    except Exception as error:
        result.failed(error)
    result.took_s = round(time.monotonic() - began, 1)
    return result


async def _misused_keys(world: World) -> list[str]:
    """Since the last run: what nobody sees in any state, and what could charge twice all the same."""
    asked = await world.stripe.requests()
    misused = {f"I15 {use} was posted with a key that was too old" for use in asked["stale_keys"]}
    misused |= {f"I1 {key} came to Stripe with two contents" for key in asked["mismatched_keys"]}
    return world.news(misused)


def _out_of_turn(world: World) -> list[str]:
    """Since the last run: who ended since it was handed a record that was not the next. No harm came of it, since it ended; but
    what should have kept it from that was not there.
    """
    return world.news(
        {
            f"I12 {log.name}: {line}"
            for log in world.system.logs()
            for line in log.read_text(errors="replace").splitlines()
            if any(words in line for words in OUT_OF_TURN)
        }
    )


async def _inject(world: World, fault: Fault) -> str:
    """Why it could not be; empty when it could."""
    try:
        async with asyncio.timeout(INJECTED_WITHIN_S):
            await fault.inject(world)
    except Missing as why:
        return str(why)
    return ""


async def _flows(world: World) -> None:
    flowing = len(world.history.accepted()) + FLOWS_AFTER
    await until(lambda: len(world.history.accepted()) >= flowing, FLOWS_WITHIN_S, "I14 the load flows")


async def recovered(world: World) -> list[float]:
    """Of each strike, in seconds. Raises AssertionError."""
    try:
        async with asyncio.timeout(RECOVERS_WITHIN_S):
            return [round(took, 2) for took in await asyncio.gather(*world.recoveries)]
    except TimeoutError:
        raise AssertionError("I14 new commands do not settle again on every partition") from None


def _oldest_s(world: World, since: float) -> float:
    """Of commands that came for the first time since then: what is asked again was settled long ago, maybe by another clock."""
    log, waited, known = world.inquest.log, [0.0], set[tuple[str, str]]()
    for record in sorted(log.commands.values(), key=lambda record: record.timestamp):
        id = dict(record.headers).get("ce_id")
        identity = (record.key or b"").decode(errors="replace"), (id or b"").decode(errors="replace")
        settled = log.settled_ms.get(identity)
        if settled is not None and identity not in known and record.timestamp / 1000 >= since:
            waited.append((settled - record.timestamp) / 1000)
        known.add(identity)
    return round(max(waited), 1)


async def _counted(world: World) -> dict[str, float]:
    """So far: what was asked, what was settled, what came twice and was taken once."""
    log = world.inquest.log
    names = [(record.key, dict(record.headers).get("ce_id")) for record in log.commands.values()]
    identities = [name for name in names if None not in name]
    books = await ledger(world.system)
    return {
        "accepted": len(world.history.accepted()),
        "settled": sum(bool(event.settles) for told in log.stories.values() for event, _ in told),
        "unknown": sum(
            story.type.endswith("outcome_unknown.v1") for told in log.stories.values() for _, story in told
        ),
        "review": sum(
            story.type.endswith("review_required.v1") for told in log.stories.values() for _, story in told
        ),
        "duplicates": len(identities) - len(set(identities)),
        "dead_letters": len(log.dead),
        "charges": sum(entry["kind"] == "charge" for entry in books.entries),
    }
