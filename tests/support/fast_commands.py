"""`koine` commands that start fast: each is forked from a process that has imported the program.

A command line of Koine takes most of a second of a core, nearly all of it for imports, and the
pages have dozens. What a person types runs a small client, which passes its arguments, environment,
folder and open files to that process. `koine serve` is started as always.

As a program this file is the process that forks, for the Koine of the Python that runs it.
"""

import importlib
import json
import os
import pwd
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from koine.cli import app
from koine.cli.commands import COMMANDS

_CLIENT = """\
#!{python} -SEs
import json, os, socket, sys
if sys.argv[1:2] == ["serve"]:
    os.execv({program!r}, [{program!r}, *sys.argv[1:]])
connection = socket.socket(socket.AF_UNIX)
connection.connect({path!r})
request = {{"words": sys.argv[1:], "folder": os.getcwd(), "environment": dict(os.environ)}}
socket.send_fds(connection, [json.dumps(request).encode() + b"\\n"], [0, 1, 2])
sys.exit(int(connection.recv(16) or 1))
"""
_LAZY = ("koine.store.sqlite", "koine.store.postgres", "koine.store.postgres.backup")


@contextmanager
def fast_commands(
    folder: Path, python: Path, program: Path, user: str | None = None
) -> Iterator[Path]:
    """Write a client into `folder` and yield its path; it can be run while the context is open.
    `python` runs the process that forks, as `user` (None: this one); `program` is the real `koine`,
    for `koine serve`."""
    path, client, ours = folder / "s", folder / "koine-client", folder / "fast_commands.py"
    ours.write_bytes(Path(__file__).read_bytes())
    client.write_text(_CLIENT.format(python=python, program=str(program), path=str(path)))
    client.chmod(0o755)
    # -P: beside this file are modules with the names of libraries.
    process = subprocess.Popen(
        [python, "-P", ours, path],
        cwd=folder,
        user=user,
        group=pwd.getpwnam(user).pw_gid if user else None,
        extra_groups=[] if user else None,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        yield client
    finally:
        process.communicate()


def _serve(path: str) -> None:
    """Fork a process for each command, until standard input is closed."""
    for name in {*(f"koine.cli.{module}" for module in COMMANDS.values()), *_LAZY}:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    listener.listen(16)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        readable, _, _ = select.select([listener, sys.stdin], [], [])
        if sys.stdin in readable:
            return
        connection, _ = listener.accept()
        if os.fork() == 0:
            listener.close()
            _run(connection)
        connection.close()


def _run(connection: socket.socket) -> None:
    code = 1
    try:
        text, files, _, _ = socket.recv_fds(connection, 1 << 20, 3)
        while not text.endswith(b"\n"):
            text += connection.recv(1 << 20)
        request = json.loads(text)
        for target, file in enumerate(files):
            os.dup2(file, target)
            os.close(file)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        sys.argv = ["koine", *request["words"]]
        app(prog_name="koine")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        connection.sendall(str(code).encode())
        os._exit(code)


if __name__ == "__main__":
    _serve(sys.argv[1])
