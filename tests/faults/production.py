"""Which production code was tried: what was found counts for it, and for no other."""

import hashlib
import json
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from sandbox.stack import CHECKOUT

PACKAGES = ("models", "agents", "streams", "web", "sandbox")


@cache
def code() -> dict[str, str]:
    """`code`: a digest of the committed production code. `revision`: the commit that is checked out; the harness, which is not in
    the digest, is of it as well. Both the same for all where there is no git.
    """
    digest = hashlib.sha256(_git("ls-tree", "HEAD", *PACKAGES)).hexdigest()[:12]
    return {"code": digest, "revision": _git("rev-parse", "--short=7", "HEAD").decode().strip()}


def note(found: dict[str, Any], file: Path) -> dict[str, Any]:
    """Keeps it as a line of JSON, with the code that it is of. The line."""
    line = found | code()
    with file.open("a") as lines:
        lines.write(json.dumps(line) + "\n")
    return line


def _git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=CHECKOUT, capture_output=True, check=False).stdout
