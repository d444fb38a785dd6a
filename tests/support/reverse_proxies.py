"""nginx and Caddy with the configurations that docs/proxy.md prints, as processes of a test."""

import os
import pwd
import re
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from msgspec import Struct

from tests.support.ports import HOST, free_ports
from tests.support.programs import program
from tests.support.tls import Certificate

PAGE = Path(__file__).parents[2] / "docs" / "proxy.md"
PRINTED_HOST = "chat.example.com"
SECOND_HOST = "127.0.0.2"
"""Stands for the IPv6 addresses of the page, which not every machine has."""
STARTS_WITHIN_S = 20.0
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class ReverseProxy(Struct):
    """A running proxy: its URL, that of plain HTTP, and the folder with its configuration and all
    of its logs."""

    url: str
    plain_url: str
    folder: Path

    def logs(self) -> dict[str, str]:
        """What it has logged until now, by file."""
        return {path.name: path.read_text() for path in self.folder.glob("*.log")}


StartProxy = Callable[[Path, Sequence[int], Certificate], AbstractContextManager[ReverseProxy]]
"""Starts a proxy in a folder, in front of nodes on these ports of 127.0.0.1."""


def printed(language: str) -> str:
    """The page's one block in this language."""
    (found,) = (text for name, text in _BLOCK.findall(PAGE.read_text()) if name == language)
    return str(found)


@contextmanager
def nginx(folder: Path, nodes: Sequence[int], certificate: Certificate) -> Iterator[ReverseProxy]:
    """nginx with the page's configuration, until the context ends."""
    found, (https, http) = program("nginx"), free_ports(2)
    text = _replaced(
        printed("nginx"),
        {
            "listen 443 ": f"listen {HOST}:{https} ",
            "listen [::]:443 ": f"listen {SECOND_HOST}:{https} ",
            "listen 80;": f"listen {HOST}:{http};",
            "listen [::]:80;": f"listen {SECOND_HOST}:{http};",
            "https://$host$": f"https://$host:{https}$",
            PRINTED_HOST: "localhost",
            "/etc/ssl/koine/fullchain.pem": str(certificate.chain),
            "/etc/ssl/koine/privkey.pem": str(certificate.key),
            "/var/log/nginx/": f"{folder}/",
            "    server 127.0.0.1:8420 max_fails=0;": "\n".join(
                f"    server {HOST}:{port} max_fails=0;" for port in nodes
            ),
        },
    )
    (folder / "koine.conf").write_text(text)
    (folder / "nginx.conf").write_text(_nginx_main(folder))
    command = [str(found), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]
    with _running(command, folder, https):
        yield ReverseProxy(f"https://localhost:{https}", f"http://localhost:{http}", folder)


@contextmanager
def caddy(folder: Path, nodes: Sequence[int], certificate: Certificate) -> Iterator[ReverseProxy]:
    """Caddy with the page's configuration, until the context ends."""
    found, (https, http) = program("caddy"), free_ports(2)
    ports = f"\tadmin off\n\tdefault_bind {HOST}\n\thttp_port {http}\n\thttps_port {https}\n"
    text = _replaced(
        printed("caddyfile"),
        {
            "\n{\n": f"\n{{\n{ports}",
            f"{PRINTED_HOST} {{\n": f"localhost {{\n\ttls {certificate.chain} {certificate.key}\n",
            "/var/log/caddy/": f"{folder}/",
            f"{HOST}:8420": " ".join(f"{HOST}:{port}" for port in nodes),
        },
    )
    (folder / "Caddyfile").write_text(text)
    command = [str(found), "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
    with _running(command, folder, https):
        yield ReverseProxy(f"https://localhost:{https}", f"http://localhost:{http}", folder)


PROXIES: dict[str, StartProxy] = {"nginx": nginx, "caddy": caddy}


def _nginx_main(folder: Path) -> str:
    """What Debian's /etc/nginx/nginx.conf has around the page's configuration."""
    user = pwd.getpwuid(os.geteuid()).pw_name
    temporary = "".join(
        f"    {name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return (
        f"daemon off;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log;\n"
        # As root it would otherwise take an account that may not enter the test's folder.
        + (f"user {user};\n" if os.geteuid() == 0 else "")
        + "events {\n    worker_connections 768;\n}\n"
        + f"http {{\n{temporary}    access_log {folder}/access.log;\n    gzip on;\n"
        + f"    include {folder}/koine.conf;\n}}\n"
    )


def _replaced(text: str, replacements: Mapping[str, str]) -> str:
    for old, new in replacements.items():
        assert old in text, f"{PAGE.name} has no {old!r}"
        text = text.replace(old, new)
    return text


@contextmanager
def _running(command: list[str], folder: Path, port: int) -> Iterator[None]:
    env = {"PATH": os.defpath, "HOME": str(folder), "XDG_DATA_HOME": str(folder)}
    output = folder / "stderr.log"
    with output.open("wb") as file:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=file, stderr=file)
    try:
        _wait(process, port, output)
        yield
    finally:
        process.terminate()
        process.wait(STARTS_WITHIN_S)


def _wait(process: "subprocess.Popen[bytes]", port: int, output: Path) -> None:
    until = time.monotonic() + STARTS_WITHIN_S
    while True:
        try:
            with socket.create_connection((HOST, port), timeout=1):
                return
        except OSError:
            alive = process.poll() is None and time.monotonic() < until
            assert alive, output.read_text()
            time.sleep(0.01)
