"""`millrace keys`: its arguments. What it shows, makes and revokes is `streams.operator.merchants`' business."""

import argparse

from streams.operator.commands import Command, action


def arguments(keys: argparse.ArgumentParser) -> None:
    actions = keys.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = action(actions, "list", "all keys, revoked ones too")
    listed.add_argument("merchant", nargs="?", help="only this one's, mer_…")
    create = action(actions, "create", "a new key: it is shown once, and kept only as a hash")
    create.add_argument("merchant", help="whose it is, mer_…")
    create.add_argument("--live", action="store_true", help="for real money: only a live system takes it")
    create.add_argument("--scope", action="append", default=[], help="may be repeated; default: all of them")
    revoke = action(actions, "revoke", "no process takes it any more within five seconds")
    revoke.add_argument("prefix", help="the key's first characters, as `list` shows them")


def run(given: argparse.Namespace) -> int:
    from streams.operator import merchants

    if given.action == "create":
        merchants.create_key(given.merchant, given.live, given.scope, given.json)
    elif given.action == "revoke":
        merchants.revoke_key(given.prefix, given.json)
    else:
        merchants.list_keys(given.merchant, given.json)
    return 0


KEYS = Command("List, make or revoke merchants' API keys.", arguments, run)
