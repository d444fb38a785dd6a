"""The files of deployment and of development tools are valid and match the documentation."""

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from koine.kit import settings

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
UNIT = DEPLOY / "koine.service"
UNITS = [UNIT, DEPLOY / "koine-backup.service"]
TIMER = DEPLOY / "koine-backup.timer"
SETTINGS = {each.env for each in settings.describe()}
EXPOSURE = 20
"""Tenths: `systemd-analyze security` says 1.4 of the unit, and of an ordinary service 9.6."""

with_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze"
)


def read(name: str) -> Any:
    return msgspec.yaml.decode((ROOT / name).read_bytes())


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True)


# ---------------------------------------------------------------- systemd


@pytest.fixture(params=UNITS, ids=lambda each: each.stem)
def unit(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Each unit, with a `koine` that exists here."""
    source: Path = request.param
    copy = tmp_path / source.name
    koine = Path(sys.executable).with_name("koine")
    copy.write_text(source.read_text().replace("/opt/koine/.venv/bin/koine", str(koine)))
    return copy


@with_systemd
def test_the_unit_is_valid(unit: Path) -> None:
    checked = analyze("verify", str(unit))
    assert (checked.returncode, checked.stderr) == (0, "")


@with_systemd
def test_an_invalid_unit_is_reported(unit: Path) -> None:
    unit.write_text(unit.read_text().replace("ProtectHome=yes", "ProtectHome=maybe"))
    assert "protect home" in analyze("verify", str(unit)).stderr.lower()


@with_systemd
def test_the_unit_is_hardened(unit: Path) -> None:
    words = ("security", "--offline=true", "--no-pager", f"--threshold={EXPOSURE}")
    assert analyze(*words, str(unit)).returncode == 0
    unit.write_text(re.sub(r"\n(Protect|Private|Capability|Restrict)\w+=.*", "", unit.read_text()))
    assert analyze(*words, str(unit)).returncode != 0


@with_systemd
def test_the_timer_is_valid_and_starts_the_unit_of_its_name(tmp_path: Path) -> None:
    unit = UNITS[1]
    assert TIMER.stem == unit.stem
    koine = Path(sys.executable).with_name("koine")
    text = unit.read_text().replace("/opt/koine/.venv/bin/koine", str(koine))
    (tmp_path / unit.name).write_text(text)
    shutil.copy(TIMER, tmp_path)
    checked = analyze("verify", str(tmp_path / TIMER.name))
    assert (checked.returncode, checked.stderr) == (0, "")
    assert set(re.findall(r"KOINE_\w+", text)) <= SETTINGS


def test_the_unit_waits_for_the_end_of_a_drain() -> None:
    text, usual = UNIT.read_text(), settings.load({})
    found = re.search(r"^TimeoutStopSec=(\d+)$", text, re.MULTILINE)
    assert found and int(found[1]) > usual.drain_seconds + usual.grace_seconds
    assert set(re.findall(r"KOINE_\w+", text)) <= SETTINGS


# ---------------------------------------------------------------- containers


def steps() -> list[str]:
    """What the Containerfile runs, a command each."""
    text = (DEPLOY / "Containerfile").read_text()
    return [
        command.strip()
        for line in re.findall(r"^RUN (.+)$", text, re.MULTILINE)
        for command in line.split("&&")
    ]


def test_each_step_of_the_container_is_one_of_the_docs() -> None:
    """The container has one version, in the folder that the docs make a link to one."""
    page = (ROOT / "docs" / "install.md").read_text()
    documented = [
        re.sub(r'"/opt/koine/\$version(/[\w/]+)?"', r"/opt/koine/.venv\1", line).replace(
            " --shell /usr/sbin/nologin", " --create-home"
        )
        for line in page.splitlines()
    ]
    own = [step for step in steps() if not step.startswith("apt-get ")]
    assert len(own) >= 4
    assert [step for step in own if step not in documented] == []


def test_each_make_target_of_the_container_and_its_docs_is_one() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    docs = (ROOT / "docs" / "install.md").read_text()
    used = re.findall(r"^make ([a-z-]+)$", "\n".join([*steps(), *docs.splitlines()]), re.MULTILINE)
    assert set(used) == {"wheel"} and set(used) <= set(targets)


def test_the_container_copies_what_is_there() -> None:
    text = (DEPLOY / "Containerfile").read_text()
    assert set(re.findall(r"KOINE_\w+", text)) <= SETTINGS
    (lock,) = re.findall(r"-r (\S+)", text)
    assert (ROOT / lock).is_file()
    for pattern in (ROOT / ".dockerignore").read_text().split():
        assert pattern.split("/")[0] not in {"src", "requirements", "pyproject.toml", "README.md"}


def test_the_compose_file_has_settings_that_are_known_and_load() -> None:
    services = read("deploy/compose.yaml")["services"]
    given: dict[str, str] = services["koine"]["environment"]
    assert given.keys() <= SETTINGS
    secrets = {"POSTGRES_PASSWORD": "p" * 32, "KOINE_SECRET_KEY": "s" * 32}
    filled = {name: _substituted(value, secrets) for name, value in given.items()}
    loaded = settings.load(filled)
    assert loaded.database_url == f"postgresql://koine:{'p' * 32}@postgres/koine"
    assert loaded.nats_url.removeprefix("nats://").split(":")[0] in services
    assert services["koine"]["depends_on"].keys() == services.keys() - {"koine"}


def test_the_compose_file_builds_by_the_containerfile() -> None:
    compose = read("deploy/compose.yaml")
    build = compose["services"]["koine"]["build"]
    context = (DEPLOY / build["context"]).resolve()
    assert (context / build["dockerfile"]).is_file() and context == ROOT
    named = {
        volume.partition(":")[0]
        for service in compose["services"].values()
        for volume in service.get("volumes", [])
    }
    assert named == compose["volumes"].keys()


def _substituted(value: str, variables: dict[str, str]) -> str:
    """`${NAME:-default}` and `${NAME:?why}` as compose fills them in."""

    def fill(found: re.Match[str]) -> str:
        default = found[3] if found[2] == ":-" else None
        filled = variables.get(found[1], default)
        assert filled is not None, found[0]
        return filled

    return re.sub(r"\$\{(\w+)(:[-?])([^}]*)\}", fill, value)


# ---------------------------------------------------------------- the forge, the editor


def test_the_workflow_runs_what_a_person_runs_and_no_more() -> None:
    (job,) = read(".github/workflows/ci.yml")["jobs"].values()
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_commit_hooks_are_the_tools_of_the_environment() -> None:
    (repository,) = read(".pre-commit-config.yaml")["repos"]
    assert repository["repo"] == "local"
    lint = (ROOT / "Makefile").read_text().replace("$(BIN)", ".venv/bin")
    for hook in repository["hooks"]:
        program = shlex.split(hook["entry"])[0]
        assert f"@{program}" in lint
        assert (ROOT / program).is_file()


@pytest.mark.parametrize("form", ["bug", "feature"])
def test_issue_forms_have_fields_with_labels(form: str) -> None:
    fields = read(f".github/ISSUE_TEMPLATE/{form}.yml")["body"]
    asked = [field for field in fields if field["type"] != "markdown"]
    assert {field["type"] for field in asked} <= {"textarea", "input", "dropdown", "checkboxes"}
    assert all(field["attributes"]["label"] for field in asked)
    assert len({field["id"] for field in asked}) == len(asked) >= 3
