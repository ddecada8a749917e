"""`millrace keys`: its arguments. What it shows, makes, rotates and revokes is `streams.operator.merchants`' business."""

import argparse
import re
from datetime import timedelta

from models.scopes import SCOPES
from streams.operator.commands import Command, action, actor, operator_argument, readable

OVERLAP_MAX = timedelta(days=90)
"""For everybody who holds the old key to be given the new one; whoever needs longer needs no rotation."""

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def arguments(keys: argparse.ArgumentParser) -> None:
    keys.epilog = "See docs/keys.md: scopes, and what is promised when a key is revoked. Each act is kept: `millrace audit`."
    actions = keys.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = action(actions, "list", "all keys, revoked and expired ones too")
    listed.add_argument("merchant", nargs="?", help="only this one's, mer_…")
    create = action(actions, "create", "a new key: it is shown once, and kept only as a hash")
    create.add_argument(
        "merchant",
        help="whose it is, mer_…; or `operator`: one of the operator's own, which belongs to no merchant",
    )
    create.add_argument("--name", type=readable, help="what people call it")
    create.add_argument("--live", action="store_true", help="for real money: only a live system takes it")
    create.add_argument(
        "--scope", action="append", default=[], help=f"may be repeated; default: all of {', '.join(SCOPES)}"
    )
    rotate = action(actions, "rotate", "a new key in the place of another, which goes on for a while")
    rotate.add_argument("prefix", help="the old key's first characters, as `list` shows them")
    rotate.add_argument(
        "--overlap",
        type=_duration,
        default=timedelta(hours=24),
        help="how long the old key goes on: 90s, 30m, 24h (the default), 7d; 0s: not at all",
    )
    revoke = action(actions, "revoke", "no process takes it any more within five seconds")
    revoke.add_argument("prefix", help="the key's first characters, as `list` shows them")
    for changing in (create, rotate, revoke):
        operator_argument(changing)


def run(given: argparse.Namespace) -> int:
    from streams.operator import merchants

    match given.action:
        case "create":
            wanted = merchants.Wanted(given.merchant, given.live, given.scope, given.name or "")
            merchants.create_key(wanted, actor(given), given.json)
        case "rotate":
            merchants.rotate_key(given.prefix, given.overlap, actor(given), given.json)
        case "revoke":
            merchants.revoke_key(given.prefix, actor(given), given.json)
        case _:
            merchants.list_keys(given.merchant, given.json)
    return 0


def _duration(text: str) -> timedelta:
    matched = re.fullmatch(r"(\d{1,9})([smhd])", text, re.ASCII)
    if matched is None or (found := timedelta(**{_UNITS[matched[2]]: int(matched[1])})) > OVERLAP_MAX:
        raise argparse.ArgumentTypeError(f"must be like 90s, 30m, 24h or 7d, at most {OVERLAP_MAX.days}d")
    return found


KEYS = Command("List, make, rotate or revoke API keys.", arguments, run)
