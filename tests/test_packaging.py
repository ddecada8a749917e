"""The four folders are imported by short names, so nobody else may claim these names."""

import importlib
import importlib.metadata
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ["models", "agents", "streams", "web"]


@pytest.mark.parametrize("name", FOLDERS)
def test_the_name_resolves_to_this_project(name: str) -> None:
    found = importlib.import_module(name).__file__
    assert found is not None
    assert Path(found).resolve() == ROOT / name / "__init__.py"


@pytest.mark.parametrize("name", [*FOLDERS, "sandbox", "millrace"])
def test_no_other_installed_distribution_claims_the_name(name: str) -> None:
    claimants = set(importlib.metadata.packages_distributions().get(name, [])) | claimed_by_files(name)
    assert claimants <= {"millrace"}


def claimed_by_files(name: str) -> set[str]:
    """Distributions that install a file under the name (packages_distributions trusts what a wheel says of
    itself).
    """
    return {
        distribution.name
        for distribution in importlib.metadata.distributions()
        for file in distribution.files or []
        if file.parts[0] in (name, f"{name}.py")
    }


def test_the_console_script_is_ours() -> None:
    (script,) = importlib.metadata.entry_points(group="console_scripts", name="millrace")
    assert script.value == "millrace:main"
    assert script.load().__module__ == "millrace"


def test_no_pin_names_an_index_and_every_pin_has_hashes() -> None:
    for pins in sorted((ROOT / "requirements").glob("*.txt")):
        text = pins.read_text()
        assert "://" not in text and "--index-url" not in text, pins
        requirements = [
            line for line in text.splitlines() if "==" in line and not line.lstrip().startswith("#")
        ]
        assert requirements
        assert all(line.endswith("\\") for line in requirements), pins


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders as an installation has them, none of this checkout beside them."""
    folder = tmp_path_factory.mktemp("built")
    build = ["egg_info", "--egg-base", str(folder), "build_py", "--build-lib", str(folder)]
    subprocess.run([sys.executable, "setup.py", "-q", *build], cwd=ROOT, check=True, capture_output=True)
    return folder


def test_what_is_built_has_the_messages_of_grpc_and_what_they_are_made_from(built: Path) -> None:
    made = {path.name for path in (built / "web" / "grpc").glob("payments_pb2.*")}
    assert made == {"payments_pb2.py", "payments_pb2.pyi"}
    assert (built / "web" / "grpc" / "proto" / "millrace" / "v1" / "payments.proto").exists()


@pytest.mark.parametrize(
    "folder", ["documents", "documents/schemas", "pages", "console/templates", "console/static"]
)
def test_what_is_built_has_every_file_that_the_door_serves(folder: str, built: Path) -> None:
    here = {path.name for path in (ROOT / "web" / folder).iterdir() if path.is_file()}
    assert here
    assert {path.name for path in (built / "web" / folder).iterdir() if path.is_file()} == here
