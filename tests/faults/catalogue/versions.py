"""F22: workers of the version before beside those of this one."""

import ast
import asyncio
import subprocess
import tarfile
from dataclasses import fields
from io import BytesIO
from pathlib import Path

from models.payment import Payment
from sandbox.stack import CHECKOUT
from tests.faults.catalogue.beside import works_beside
from tests.faults.catalogue.fault import fault
from tests.faults.joiner import Joiner
from tests.faults.tools import Missing
from tests.faults.world import World

BEFORE = "f33194b"
"""The version before: the last release, or, while there is none, a commit that others have run."""
ROLES = ("writer", "gateway", "projection")
PARTS = ("models", "agents", "streams", "web")


@fault("F22", "workers of the version before beside those of this one")
async def two_versions(world: World) -> None:
    role = world.turn(ROLES)
    tree = world.system.folder / "before"
    await asyncio.to_thread(check_out, tree)
    world.note("before", role)
    if role == "writer":
        world.inquest.unknown |= unknown_to(tree)
    await works_beside(world, role, Joiner(world.system, role, tree=tree))


def unknown_to(tree: Path) -> set[str]:
    """Members of a payment that the version there does not know: the rows that its writers write are without them."""
    parsed = ast.parse((tree / "models" / "payment.py").read_text())
    names = {node.target for node in ast.walk(parsed) if isinstance(node, ast.AnnAssign)}
    return {each.name for each in fields(Payment)} - {name.id for name in names if isinstance(name, ast.Name)}


def check_out(tree: Path) -> None:
    """Raises Missing in a copy without the history, or a shallow one."""
    if tree.exists():
        return
    packed = subprocess.run(
        ["git", "archive", BEFORE, *PARTS], cwd=CHECKOUT, capture_output=True, check=False
    )
    if packed.returncode != 0:
        raise Missing(f"the version before ({BEFORE}) is not in this copy's history")
    tree.mkdir()
    with tarfile.open(fileobj=BytesIO(packed.stdout)) as archive:
        archive.extractall(tree, filter="data")
