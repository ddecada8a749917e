"""`millrace down` and `millrace status`: looking at the running stack from another process, and ending it.

What lives here: nothing that starts anything.
"""

import json
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from sandbox import processes
from sandbox.run_folder import RunFolder

STOPS_WITHIN_S = 12.0  # its own bound is ten
DIES_WITHIN_S = 5.0
NOT_RUNNING = 3  # as `systemctl status` says it
NOT_HEALTHY = 1


def down(folder: RunFolder) -> int:
    """Stop the stack, whatever state it is in. Returns once nothing of it is left."""
    holder = folder.holder()
    if holder is None:
        _kill_all(folder.leftovers())
        print("millrace is not running")
        return 0
    began = time.monotonic()
    os.kill(holder, signal.SIGTERM)
    if not processes.wait_until(lambda: folder.holder() != holder, STOPS_WITHIN_S):
        print(f"process {holder} did not stop within {STOPS_WITHIN_S:g} s and is killed")
        leftovers = folder.leftovers()
        _kill_all([holder])
        _kill_all(leftovers)
        folder.endpoints.unlink(missing_ok=True)
    print(f"stopped in {time.monotonic() - began:.1f} s")
    return 0


def status(folder: RunFolder, as_json: bool) -> int:
    """Show every part; 0 when all are ready, 1 when some are not, 3 when nothing runs."""
    if folder.holder() is None:
        print(json.dumps({"running": False, "parts": []}) if as_json else "millrace is not running")
        return NOT_RUNNING
    parts: list[dict[str, Any]] = [
        {**part, "pss_kb": _proportional_kb(part["pid"])}
        for part in (folder.read(folder.state) or {}).get("parts", [])
    ]
    ready = folder.endpoints.exists() and all(part["state"] == "ready" for part in parts)
    if as_json:
        print(json.dumps({"running": True, "ready": ready, "supervisor": folder.holder(), "parts": parts}))
    else:
        print(_table(parts))
    return 0 if ready else NOT_HEALTHY


def _table(parts: list[dict[str, Any]]) -> str:
    rows = [("PART", "STATE", "PID", "RESTARTS", "SINCE", "MEMORY", "ADDRESS", "")]
    for part in parts:
        since = f"{time.time() - part['since']:.0f} s"
        memory = f"{part['pss_kb'] / 1024:.0f} MB" if part["pss_kb"] else "-"
        message = "" if part["state"] == "ready" else part["message"]
        pid = str(part["pid"] or "-")
        rows.append(
            (part["name"], part["state"], pid, str(part["restarts"]), since, memory, part["address"], message)
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _proportional_kb(pid: int | None) -> int:
    """Memory of a process and its children, shared pages counted in proportion; 0 where it cannot be read."""
    total = 0
    for each in [] if pid is None else [pid, *processes.descendants(pid)]:
        with suppress(OSError, ValueError):
            rollup = Path(f"/proc/{each}/smaps_rollup").read_text()
            total += int(rollup.split("\nPss:")[1].split()[0])
    return total


def _kill_all(pids: list[int]) -> None:
    for pid in pids:
        for each in (*processes.descendants(pid), pid):
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
    processes.wait_until(lambda: not any(map(processes.is_alive, pids)), DIES_WITHIN_S)
