"""Prometheus and promtool, of Debian's package `prometheus`. Where they are missing, a test that
needs them is skipped, or fails in CI.

with Prometheus(folder, [9420], rules) as prometheus:
    prometheus.query("up")
    prometheus.firing()
"""

import json
import re
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from tests.support.ports import HOST, free_port
from tests.support.programs import program

STARTS_WITHIN = 30.0
POLL_SECONDS = 0.05
SCRAPE_SECONDS = 0.5


def promtool(*words: str | Path) -> subprocess.CompletedProcess[str]:
    """Run promtool; standard error is part of the output."""
    command = [str(program("promtool")), *map(str, words)]
    return subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def quick(rules: str) -> str:
    """The rules with the same expressions, but without waiting: an alert fires when its expression
    holds once, and rates are of the last seconds (8 for each 5 minutes), so that they fall when a
    fault is mended."""
    without_wait = re.sub(r"^ *for: \S+\n", "", rules, flags=re.MULTILINE)
    return re.sub(r"\[(\d+)m\]", lambda found: f"[{int(found[1]) * 8 // 5}s]", without_wait)


class Prometheus:
    """A server that scrapes ports of 127.0.0.1 as the job `koine`, and evaluates rules. It keeps
    its data in `folder`, and ends with the context."""

    def __init__(self, folder: Path, ports: list[int], rules: str) -> None:
        self.port = free_port()
        self._folder = folder
        self._ports = ports
        self._rules = rules
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Prometheus":
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / "alerts.yaml").write_text(self._rules)
        (self._folder / "prometheus.yaml").write_text(self._config())
        log = (self._folder / "log").open("wb")
        self._process = subprocess.Popen(
            [
                str(program("prometheus")),
                f"--config.file={self._folder / 'prometheus.yaml'}",
                f"--storage.tsdb.path={self._folder / 'data'}",
                f"--web.listen-address={HOST}:{self.port}",
                "--log.level=warn",
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
        log.close()
        self._wait_ready()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What an expression gives now: a list of series. Raises ValueError for a bad one."""
        found = self._get("query", query=expression)
        assert isinstance(found["result"], list)
        return found["result"]

    def query_range(
        self, expression: str, begin: float, end: float, step: float
    ) -> list[dict[str, Any]]:
        """What an expression gives every `step` seconds between two Unix times: a list of series.
        Raises ValueError for a bad one."""
        between = {"start": str(begin), "end": str(end), "step": str(step)}
        found = self._get("query_range", query=expression, **between)["result"]
        assert isinstance(found, list)
        return found

    def firing(self) -> set[str]:
        """The names of the alerts that fire."""
        alerts = self._get("alerts")["alerts"]
        return {each["labels"]["alertname"] for each in alerts if each["state"] == "firing"}

    def _get(self, call: str, **parameters: str) -> dict[str, Any]:
        url = f"http://{HOST}:{self.port}/api/v1/{call}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                answer = json.load(response)
        except urllib.error.HTTPError as error:
            raise ValueError(f"{parameters}: {error.read().decode()}") from None
        data: dict[str, Any] = answer["data"]
        return data

    def _wait_ready(self) -> None:
        until = time.monotonic() + STARTS_WITHIN
        url = f"http://{HOST}:{self.port}/-/ready"
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(url, timeout=1):
                    return
            except OSError:
                time.sleep(POLL_SECONDS)
        raise RuntimeError((self._folder / "log").read_text()[-3000:])

    def _config(self) -> str:
        targets = [f"{HOST}:{port}" for port in self._ports]
        every = f"{SCRAPE_SECONDS * 1000:.0f}ms"
        return json.dumps(
            {
                "global": {
                    "scrape_interval": every,
                    "scrape_timeout": every,
                    "evaluation_interval": every,
                },
                "rule_files": ["alerts.yaml"],
                "scrape_configs": [{"job_name": "koine", "static_configs": [{"targets": targets}]}],
            }
        )
