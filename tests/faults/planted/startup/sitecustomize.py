"""Imported by Python at its start where this folder is on PYTHONPATH: plants what MILLRACE_TESTS_PLANTED names, and puts the
clock wrong by TESTS_CLOCK_AHEAD_S.

Python only logs what escapes here and goes on without it; so nothing does.
"""

import os
import sys

if "TESTS_CLOCK_AHEAD_S" in os.environ:
    from tests.faults import clock

    clock.run_ahead()
if names := os.environ.get("MILLRACE_TESTS_PLANTED"):
    try:
        from tests.faults.planted import arming

        arming.arm(names.split(","))
    except BaseException as wrong:
        print(f"MILLRACE_TESTS_PLANTED={names}: {wrong!r}", file=sys.stderr, flush=True)
        os._exit(97)
