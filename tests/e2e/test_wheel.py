"""The wheel has every file of the package, and a clean environment serves from it."""

import email
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.koine_process import KoineProcess, served
from tests.support.shared_folder import shared_folder

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "koine"
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]


@pytest.fixture(scope="module")
def wheel(run_folder: Path) -> Path:
    """The wheel, built by the command of `make wheel` in another directory."""
    folder = shared_folder(run_folder, "wheel", build_wheel)
    (built,) = folder.glob("koine_server-*.whl")
    return built


def build_wheel(folder: Path, source: Path = ROOT) -> None:
    """Build the wheel of a source tree into an empty folder."""
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder)]
    subprocess.run([*PIP, "wheel", *options, str(source)], check=True)


@pytest.fixture(scope="module")
def installed(wheel: Path, run_folder: Path) -> Path:
    """The `koine` of an environment that has the wheel, and Koine's dependencies by a path: the
    editable Koine of this checkout is not on it."""
    folder = shared_folder(run_folder, "venv", lambda made: install_wheel(wheel, made))
    return folder / "bin" / "koine"


def install_wheel(wheel: Path, folder: Path) -> None:
    """Make an environment with the wheel, and with this one's dependencies by a path."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(f"{sysconfig.get_path('purelib')}\n")
    python = folder / "bin" / "python"
    subprocess.run(
        [*PIP, "--python", str(python), "install", "--no-deps", "--no-index", str(wheel)],
        check=True,
    )


@pytest.fixture(scope="module")
def server(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KoineProcess]:
    with served(tmp_path_factory.mktemp("served"), program=installed) as running:
        yield running


def test_it_has_every_file_of_the_package(wheel: Path) -> None:
    source = {
        f"koine/{path.relative_to(PACKAGE).as_posix()}"
        for path in PACKAGE.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert any("/migrations/versions/" in name for name in source)
    assert {"koine/http/page/index.html", "koine/py.typed"} <= source
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("koine/")}
    assert packed == source


def test_its_metadata_is_that_of_the_project(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = email.message_from_bytes(archive.read(name))
        assert name.replace("METADATA", "licenses/LICENSE") in archive.namelist()
    assert metadata["License-Expression"] == "Apache-2.0"
    assert len(metadata.get_all("Project-URL", [])) >= 3
    assert len(metadata.get_all("Classifier", [])) >= 5


def test_a_clean_environment_imports_the_installed_one(installed: Path) -> None:
    python = installed.with_name("python")
    code = "import koine; print(koine.__file__)"
    found = subprocess.run([python, "-P", "-c", code], capture_output=True, text=True, check=True)
    assert Path(found.stdout.strip()).is_relative_to(installed.parents[1])


def test_it_serves_the_demonstration(server: KoineProcess) -> None:
    key = server.output.partition("api_key ")[2].split()[1]
    answer = httpx.get(
        f"{server.url}/api/v1/conversations?limit=1", headers={"Authorization": f"Bearer {key}"}
    )
    assert answer.json()["pagination"]["total"] >= 120


def test_it_serves_the_static_files_of_its_page(server: KoineProcess) -> None:
    page = httpx.get(f"{server.url}/docs")
    assert page.status_code == 200
    for name in ("app.js", "style.css"):
        assert name in page.text
        assert httpx.get(f"{server.url}/docs/{name}").status_code == 200
