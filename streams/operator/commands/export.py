"""`millrace export`: its arguments. What it writes is `streams.operator.exporting`'s business."""

import argparse
from datetime import UTC, datetime

from streams.operator.commands import Command, running_arguments

FORMATS = ("jsonl", "parquet")


def arguments(export: argparse.ArgumentParser) -> None:
    running_arguments(export)
    export.add_argument("file", help="where to; it is replaced once the new one is whole. -: standard output")
    export.add_argument(
        "--format", choices=FORMATS, help="default: as the file's name ends, else jsonl (JSON lines)"
    )
    export.add_argument(
        "--since", type=_time, metavar="TIME", help="from this time on, e.g. 2026-01-31T12:00Z"
    )
    export.add_argument("--until", type=_time, metavar="TIME", help="before this time")
    export.add_argument("--merchant", help="only this one's, mer_…")


def run(given: argparse.Namespace) -> int:
    from streams.operator.exporting import Wanted, export

    format = given.format or ("parquet" if given.file.endswith(".parquet") else "jsonl")
    export(given.file, format, Wanted(given.since, given.until, given.merchant), given.json)
    return 0


def _time(text: str) -> datetime:
    """In UTC where it does not say."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a time like 2026-01-31T12:00:00Z, not {text!r}") from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


EXPORT = Command("Write the events to a file: JSON lines or Parquet.", arguments, run)
