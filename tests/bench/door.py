"""The same door, whose commands go nowhere: what its handler costs without Kafka. `python -m tests.bench.door`."""

from models.commands import Command
from models.ports import ReplyAddress
from streams.process import run
from web.__main__ import CrashableLog, compose


async def append(
    log: CrashableLog, command: Command, reply_to: ReplyAddress | None, trace: str | None
) -> None:
    """As if it were durable."""


if __name__ == "__main__":
    setattr(CrashableLog, "append", append)  # noqa: B010 - mypy lets no method be assigned
    run("web", compose)
