"""`millrace webhooks`: its arguments. What it shows and makes is `streams.operator.webhooks`' business."""

import argparse
from datetime import timedelta
from typing import Any

from models.webhook_endpoints import ROTATION_OVERLAP
from models.webhooks import STATES
from streams.operator.commands import Command, action, actor, operator_argument, readable, whole_number

SHOWN_MAX = 1000
OVERLAP_MAX_H = 24 * 30


def arguments(webhooks: argparse.ArgumentParser) -> None:
    actions = webhooks.add_subparsers(dest="action", required=True, metavar="ACTION")
    listed = action(actions, "list", "all endpoints, or a merchant's")
    listed.add_argument("--merchant", type=readable)
    create = _of_merchant(actions, "create", "a new endpoint; its secret is shown this once")
    create.add_argument("url", type=readable, help="an https URL of the public internet")
    create.add_argument(
        "--event",
        action="append",
        type=readable,
        default=[],
        metavar="TYPE",
        help="e.g. payment.*; default: all",
    )
    create.add_argument("--ordered", action="store_true", help="one payment's events one after the other")
    create.add_argument("--description", type=readable)
    rotate = _of_endpoint(actions, "rotate", "a new secret, shown this once; for a while both sign")
    rotate.add_argument(
        "--overlap-h",
        type=whole_number(OVERLAP_MAX_H),
        default=ROTATION_OVERLAP // timedelta(hours=1),
        help="hours, %(default)s by default",
    )
    _of_endpoint(actions, "enable", "what was on its way goes on")
    disable = _of_endpoint(actions, "disable", "nothing more is sent to it")
    disable.add_argument("--why", type=readable, required=True, help="the merchant is shown it")
    _of_endpoint(actions, "delete", "with all that is on its way to it")
    deliveries = action(actions, "deliveries", "what was sent to an endpoint, the newest first")
    deliveries.add_argument("merchant", type=readable)
    deliveries.add_argument("endpoint", type=readable)
    deliveries.add_argument("--state", choices=STATES)
    deliveries.add_argument("--limit", type=whole_number(SHOWN_MAX), default=20)
    redeliver = _of_merchant(actions, "redeliver", "send a delivery again, now, under its id")
    redeliver.add_argument("delivery", type=readable)


def run(given: argparse.Namespace) -> int:
    from streams.operator import webhooks

    webhooks.run(given, actor(given) if "operator" in given else "")
    return 0


def _of_merchant(actions: Any, name: str, help: str) -> argparse.ArgumentParser:
    added = action(actions, name, help)
    added.add_argument("merchant", type=readable)
    operator_argument(added)
    return added


def _of_endpoint(actions: Any, name: str, help: str) -> argparse.ArgumentParser:
    added = _of_merchant(actions, name, help)
    added.add_argument("endpoint", type=readable)
    return added


WEBHOOKS = Command("Merchants' webhook endpoints, and what was sent to them.", arguments, run)
