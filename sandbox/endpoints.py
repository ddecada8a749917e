"""What the running stack tells: `.run/endpoints.json` for programs, a welcome for the person, a record for
`status`.

What lives here: their content. When they are written is `sandbox.up`'s, where they lie
`sandbox.run_folder`'s.
"""

import os
from collections.abc import Iterable
from typing import Any

from sandbox import demo, processes
from sandbox.parts import Standing
from sandbox.run_folder import RunFolder
from sandbox.stack import ROLES, Stack

CURL = """curl -s {http}/v1/payments \\
    -H 'Authorization: Bearer {key}' -H 'Idempotency-Key: first-payment' -H 'Content-Type: application/json' \\
    -d '{{"amount": 1999, "currency": "usd", "payment_method": "pm_card_visa"}}'"""


class Endpoints:
    """Published while the stack is ready; kept true when a process is replaced."""

    def __init__(self, folder: RunFolder, stack: Stack) -> None:
        self._folder = folder
        self._stack = stack
        self._published = False

    def publish(self, standings: Iterable[Standing]) -> None:
        """Everything is ready."""
        self._published = True
        self.record(standings)

    def record(self, standings: Iterable[Standing]) -> None:
        """Something changed."""
        standings = list(standings)
        self._folder.write(self._folder.state, {"parts": [_part(standing) for standing in standings]})
        if self._published:
            self._folder.write(self._folder.endpoints, self._content(standings))

    def withdraw(self) -> None:
        """It is being stopped."""
        self._published = False
        self._folder.endpoints.unlink(missing_ok=True)

    def welcome(self, took_s: float, down: str) -> str:
        """Where everything is, and a first payment to copy."""
        content = self._content([])
        stop = f"{'Ctrl-C or ' if os.isatty(0) else ''}`{down}`"  # a detached one has no terminal
        lines = [f"\nMillrace is ready after {took_s:.1f} s. {stop} stops it; the data stays.\n"]
        lines += [
            f"  {name:<10}{content[name]}"
            for name in ("http", "grpc", "kafka", "postgres", "redis", "stripe", "smtp", "mailbox")
            if name in content
        ]
        lines += [f"  {'docs':<10}{content['http']}/docs"] if "http" in content else []
        lines += [f"  merchant  {each['id']}   {each['api_key']}" for each in content["merchants"]]
        if not self._stack.servers_only:
            lines += [f"  console   {content['operator']['url']}   {content['operator']['api_key']}"]
        if content["merchants"]:
            key = content["merchants"][0]["api_key"]
            lines += ["\nA first payment:\n", CURL.format(http=content["http"], key=key)]
        return "\n".join(lines) + "\n"

    def _content(self, standings: list[Standing]) -> dict[str, Any]:
        stack = self._stack
        servers = {
            "kafka": stack.kafka,
            "postgres": stack.postgres,
            "redis": stack.redis,
            "stripe": stack.stripe,
            **({"smtp": stack.smtp, "mailbox": stack.mailbox} if stack.smtp else {}),
        }
        doors = {"http": stack.http, **({"grpc": stack.grpc} if stack.grpc else {})}
        service = [each for each in standings if each.role in ROLES]
        others = [each for each in standings if each.role not in ROLES]
        merchants = [{"id": each.id, "api_key": each.api_key} for each in demo.merchants(stack.secrets)]
        return {
            **({} if stack.servers_only else doors),
            **servers,
            "merchants": [] if stack.servers_only else merchants,
            "operator": {"url": f"{stack.http}/console", "api_key": stack.secrets.operator_key},
            "processes": [_process(each) for each in service if each.pid is not None],
            "servers": [_process(each) for each in others if each.pid is not None],
        }


def _process(standing: Standing) -> dict[str, Any]:
    return {"role": standing.role, "index": standing.index, "pid": standing.pid, "url": standing.address}


def _part(standing: Standing) -> dict[str, Any]:
    return {
        "name": standing.name,
        "role": standing.role,
        "index": standing.index,
        "state": standing.state,
        "pid": standing.pid,
        "birth": None if standing.pid is None else processes.birth(standing.pid),
        "restarts": standing.restarts,
        "since": standing.since,
        "address": standing.address,
        "message": standing.message,
    }
