"""The commands that `make cluster` prints work as it says."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.ports import free_ports

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")


class Cluster:
    """The running script, and its output."""

    def __init__(self) -> None:
        self.port = free_ports(2)[0]
        self._output = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed by `end`
        # As in `make cluster &` of a script, where the shell ignores SIGINT.
        begun = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]
        self._script = subprocess.Popen(
            [*begun, sys.executable, "-m", "examples.cluster", "--port", str(self.port),
             "--restart-after", "1"],
            cwd=ROOT, stdout=self._output, stderr=self._output, start_new_session=True,
        )  # fmt: skip

    def wait_ready(self) -> None:
        ready = lambda: "Ctrl-C" in self.printed or self._script.poll() is not None  # noqa: E731
        eventually(ready, 120, lambda: self.printed)
        assert "Ctrl-C" in self.printed, self.printed

    @property
    def printed(self) -> str:
        # Not through the script's own file position.
        return os.pread(self._output.fileno(), 1 << 20, 0).decode()

    def commands(self) -> list[str]:
        """The printed commands, by the comment above them."""
        blocks = re.split(r"(?m)^# .*\n", self.printed)[1:]
        return [block.split("\n\n")[0] for block in blocks if "curl" in block]

    def pid(self, name: str) -> int:
        """The last printed process id of node A or B."""
        found = re.findall(rf"(?mi)^node {name} .*?pid (\d+)", self.printed)
        return int(found[-1])

    def nats_pids(self) -> list[int]:
        line = re.search(r"NATS +pids ([\d ]+)", self.printed)
        assert line is not None
        return [int(pid) for pid in line[1].split()]

    def stop(self) -> int:
        self._script.send_signal(signal.SIGINT)
        eventually(lambda: self._script.poll() is not None, 60, lambda: self.printed)
        return self._script.wait()

    def kill(self) -> None:
        """Kill the script if it still runs. Its servers end by themselves when it has ended."""
        self._script.kill()
        self._script.wait()
        self._output.close()


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    started = Cluster()
    try:
        started.wait_ready()
        yield started
        assert started.stop() == 0
    finally:
        started.kill()


class Follower:
    """A curl command that follows a stream, in a shell."""

    def __init__(self, command: str) -> None:
        self._output = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed by `end`
        self.shell = subprocess.Popen(
            ["sh", "-c", command], stdout=self._output, start_new_session=True
        )

    def __enter__(self) -> "Follower":
        return self

    @property
    def shown(self) -> str:
        return os.pread(self._output.fileno(), 1 << 24, 0).decode()

    @property
    def last_id(self) -> str:
        return str(re.findall(r"(?m)^id: (.*)$", self.shown)[-1])

    def sees(self, text: str, within: float = 60) -> float:
        """Wait until the output has the text; return the seconds that it took."""
        began = time.monotonic()
        eventually(lambda: text in self.shown, within, lambda: self.shown)
        return time.monotonic() - began

    def __exit__(self, *_: object) -> None:
        try:
            os.killpg(self.shell.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.shell.wait()
        self._output.close()


def eventually(
    true: Callable[[], bool], within: float = 60, shown: Callable[[], str] = lambda: ""
) -> None:
    until = time.monotonic() + within
    while not true():
        assert time.monotonic() < until, f"not within {within:.0f} s:\n{shown()[-3000:]}"
        time.sleep(0.01)


def test_a_person_follows_on_one_node_posts_on_another_and_kills_either(cluster: Cluster) -> None:
    follow_a, post_b, follow_b = cluster.commands()
    with Follower(follow_a) as reader:
        reader.sees("event: ready")
        _shell(post_b.replace("Hello from node B", "first"))
        reader.sees("first")
        for pid in cluster.nats_pids()[:2]:
            os.kill(pid, signal.SIGKILL)
        _shell(post_b.replace("Hello from node B", "second"))
        assert reader.sees("second") < 3
        os.kill(cluster.nats_pids()[2], signal.SIGKILL)
        _shell(post_b.replace("Hello from node B", "third"))
        assert reader.sees("third") < 3
        os.kill(cluster.pid("A"), signal.SIGKILL)
        reader.shell.wait(60)
        last_id = reader.last_id
    _shell(post_b.replace("Hello from node B", "fourth"))
    token = follow_a.splitlines()[0]
    with Follower(f"{token}\n{follow_b.replace('THE_LAST_ID', last_id)}") as other:
        other.sees("event: ready")
        other.sees("fourth")
        assert other.shown.count("event: message.created") == 1
    eventually(lambda: "Node A is back" in cluster.printed, 120, lambda: cluster.printed)


def _shell(command: str) -> None:
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True)
    assert '"content":"' in done.stdout, done.stdout
