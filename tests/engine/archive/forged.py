"""Archives that somebody has changed: with digests that fit, as a hostile author writes them."""

import gzip
from collections.abc import Callable
from pathlib import Path

import msgspec

from koine.engine.archive import tar
from koine.engine.archive.format import MANIFEST
from koine.kit.digests import digest_of

Members = dict[str, bytes]


def members_of(path: Path) -> Members:
    with path.open("rb") as source:
        return {
            member.name: b"".join(tar.read_member(source, member)) for member in tar.members(source)
        }


def written(path: Path, members: Members) -> Path:
    with path.open("wb") as out:
        for name, data in members.items():
            out.write(tar.header(name, len(data), 0) + data + tar.padding(len(data)))
        out.write(tar.end())
    return path


def sealed_again(members: Members) -> Members:
    """With the digests in the manifest as a hostile author writes them."""
    manifest = msgspec.json.decode(members[MANIFEST])
    manifest["members"] = {
        name: msgspec.to_builtins(digest_of(data))
        for name, data in members.items()
        if name != MANIFEST and not name.startswith("files/")
    }
    return members | {MANIFEST: msgspec.json.encode(manifest)}


def rows_changed(
    table: str, change: Callable[[dict[str, object]], object]
) -> Callable[[Members], Members]:
    """Change each row of a table, with digests that fit."""

    def apply(members: Members) -> Members:
        name = f"rows/{table}/000001.ndjson.gz"
        rows = [msgspec.json.decode(line) for line in gzip.decompress(members[name]).splitlines()]
        for row in rows:
            change(row)
        text = b"".join(msgspec.json.encode(row) + b"\n" for row in rows)
        return sealed_again(members | {name: gzip.compress(text)})

    return apply
