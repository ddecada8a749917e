"""`millrace export`: its arguments. What it writes is `streams.operator.exporting`'s business."""

import argparse

from streams.operator.commands import Command, moment, running_arguments

FORMATS = ("jsonl", "parquet")


def arguments(export: argparse.ArgumentParser) -> None:
    running_arguments(export)
    export.add_argument("file", help="where to; it is replaced once the new one is whole. -: standard output")
    export.add_argument(
        "--format", choices=FORMATS, help="default: as the file's name ends, else jsonl (JSON lines)"
    )
    export.add_argument(
        "--since", type=moment, metavar="TIME", help="from this time on, e.g. 2026-01-31T12:00Z"
    )
    export.add_argument("--until", type=moment, metavar="TIME", help="before this time")
    export.add_argument("--merchant", help="only this one's, mer_…")


def run(given: argparse.Namespace) -> int:
    from streams.operator.exporting import Wanted, export

    format = given.format or ("parquet" if given.file.endswith(".parquet") else "jsonl")
    export(given.file, format, Wanted(given.since, given.until, given.merchant), given.json)
    return 0


EXPORT = Command("Write the events to a file: JSON lines or Parquet.", arguments, run)
