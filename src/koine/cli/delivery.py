"""`koine delivery import`: deliveries from a file, saved a batch at a time."""

import csv
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from msgspec import structs

from koine.cli import options, output, progress
from koine.cli.errors import CommandError
from koine.cli.runtime import run_in_tenant
from koine.dialects.native.deliveries.schemas import SaveDelivery
from koine.engine import deliveries
from koine.engine.core.engine import Engine
from koine.engine.deliveries import DeliveryInput
from koine.http.body import convert
from koine.kit.ids import canonical_id
from koine.model.actor import Actor
from koine.model.errors import Invalid, Refusal

app = typer.Typer(
    help="Deliveries: import them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

BATCH = 500
FIELDS = DeliveryInput.__struct_fields__


@app.callback()
def group() -> None:
    """Deliveries: import them."""


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="NDJSON or CSV.")],
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Save the deliveries of a file. It has a JSON object a line, or is CSV with a heading.

    Fields: id, external_reference_id, delivery_code, customer_id, driver_id, status. A delivery
    known by its id or reference is changed. A file may be imported again: what is saved stays.

    Example: koine delivery import deliveries.ndjson
    """
    settings = options.settings(data, database)
    with progress.bar("importing", max(file.stat().st_size, 1)) as add:

        async def work(engine: Engine, operator_actor: Actor) -> dict[str, int]:
            done = {"new": 0, "known": 0}
            rows = _rows(file)
            while batch := list(islice(rows, BATCH)):
                given = [_read(number, row) for number, row, _ in batch]
                try:
                    saved = await deliveries.save(engine, operator_actor, given)
                except Refusal as refusal:
                    first, last = batch[0][0], batch[-1][0]
                    raise CommandError(f"lines {first} to {last}: {_describe(refusal)}") from None
                new = sum(each.is_new for each in saved)
                done["new"] += new
                done["known"] += len(saved) - new
                add(sum(size for _, _, size in batch))
            return done

        done = run_in_tenant(settings, tenant, work)
    if as_json:
        output.print_json(done)
    else:
        typer.echo(f"{done['new']} new, {done['known']} known before")


Row = tuple[int, dict[str, object], int]
"""Line number, fields, and about how many bytes of the file it was."""


def _rows(file: Path) -> Iterator[Row]:
    """The rows of the file without blank lines. Raises CommandError for a malformed line."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as lines:
            yield from _csv(lines) if file.suffix.lower() == ".csv" else _ndjson(lines)
    except UnicodeDecodeError:
        raise CommandError(f"{file} is not UTF-8") from None


def _csv(lines: Iterator[str]) -> Iterator[Row]:
    reader = csv.DictReader(lines)
    for row in reader:
        fields = {name: value for name, value in row.items() if name and value}
        yield reader.line_num, dict(fields), sum(len(str(value)) + 1 for value in row.values())


def _ndjson(lines: Iterator[str]) -> Iterator[Row]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield number, msgspec.json.decode(line, type=dict[str, object]), len(line.encode())
        except msgspec.DecodeError as error:
            raise CommandError(f"line {number}: {error}") from None


def _read(number: int, row: dict[str, object]) -> DeliveryInput:
    known = {name: value for name, value in row.items() if name in FIELDS}
    try:
        given = DeliveryInput(**structs.asdict(convert(known, SaveDelivery)))
    except Invalid as error:
        raise CommandError(f"line {number}: {error.message}") from None
    changes: dict[str, str] = {}
    for name in ("id", "customer_id", "driver_id"):
        value = getattr(given, name)
        if isinstance(value, str):
            found = canonical_id(value)
            if found is None:
                raise CommandError(f"line {number}: {name} is no UUID: {value}")
            changes[name] = found
    return structs.replace(given, **changes)


def _describe(refusal: Refusal) -> str:
    return str(getattr(refusal, "message", "") or refusal)
