"""Makes the Python messages of the committed .proto: `python -m web.grpc.stubs`, or whoever installs the project (setup.py).

What is made is not committed. Nothing of Millrace is imported here: it runs before there is anything to import.
"""

import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

HERE = Path(__file__).resolve().parent
ROOT = HERE / "proto"
PROTO = ROOT / "millrace" / "v1" / "payments.proto"
MADE = HERE / "payments_pb2.py", HERE / "payments_pb2.pyi"


def make() -> None:
    """Each file appears whole: somebody may be importing it."""
    with TemporaryDirectory(dir=HERE) as folder:
        out = Path(folder)
        options = f"-I{ROOT}", f"--python_out={out}", f"--pyi_out={out}"
        subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *options, str(PROTO)], check=True)
        for path in MADE:
            (out / PROTO.parent.relative_to(ROOT) / path.name).replace(path)


def make_if_outdated() -> None:
    """For a checkout in which nobody installed the project."""
    if not all(path.exists() and path.stat().st_mtime >= PROTO.stat().st_mtime for path in MADE):
        make()


if __name__ == "__main__":
    make()
