"""`koine person`: find people, export and erase their data."""

from pathlib import Path
from typing import Annotated

import typer
from msgspec import structs

from koine.cli import options, output
from koine.cli.errors import CommandError
from koine.cli.lookup import find_person, people_like
from koine.cli.runtime import run, run_in_tenant
from koine.engine.core.engine import Engine
from koine.engine.personal_data import erased_list, erasure
from koine.engine.personal_data.erasure import RepeatedErasures, RequestedErasure, counts_of
from koine.engine.personal_data.export import export as export_pieces
from koine.kit import private_files
from koine.kit.amounts import counted, size
from koine.kit.times import iso_ms
from koine.model.actor import Actor
from koine.model.display_name import display_name
from koine.model.identity import Identity
from koine.model.page import Window
from koine.model.personal_data import Erasure, MessagePolicy

app = typer.Typer(
    help="People: find them, export or erase all of their data.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

Who = Annotated[str, typer.Argument(help="Id of a contact or user; an e-mail if only one has it.")]


@app.command()
def find(
    text: Annotated[str, typer.Argument(help="Id, e-mail, phone or identifier, or a part of one.")],
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Find contacts and users, removed ones too.

    Example: koine person find anna@example.com
    """

    async def work(engine: Engine, operator_actor: Actor) -> list[Identity]:
        return await people_like(engine, operator_actor, text)

    found = run_in_tenant(options.settings(data, database), tenant, work)
    headings = ["id", "kind", "name", "email", "phone", "identifier", "state"]
    output.print_rows(headings, map(_person_row, found), as_json=as_json)


@app.command()
def export(
    person: Who,
    file: Annotated[Path, typer.Argument(help="The ZIP file to write; it must not exist.")],
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Write all data of a contact or user into a ZIP file.

    Example: koine person export anna@example.com anna.zip
    """
    if file.exists():
        raise CommandError(f"{file} exists already")

    async def work(engine: Engine, operator_actor: Actor) -> Identity:
        found = await find_person(engine, operator_actor, person)
        with private_files.complete_or_absent(file) as out:
            async for piece in await export_pieces(engine, operator_actor, found.id):
                out.write(piece)
        return found

    found = run_in_tenant(options.settings(data, database), tenant, work)
    stored = file.stat().st_size
    if as_json:
        output.print_json({"id": found.id, "kind": found.kind, "file": str(file), "bytes": stored})
    else:
        typer.echo(f"{file}: the data of {found.kind} {found.id}, {size(stored)}")


@app.command()
def erase(
    person: Who,
    *,
    messages: Annotated[
        MessagePolicy | None,
        typer.Option(help="Of the messages. Default: erase; keep for staff and drivers."),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Erase a contact or user for good.

    Afterwards run `koine compact`: until then the database's files still hold what was deleted.

    Example: koine person erase anna@example.com --yes
    """
    settings = options.settings(data, database)

    async def look(engine: Engine, operator_actor: Actor) -> Identity:
        return await find_person(engine, operator_actor, person)

    found = run_in_tenant(settings, tenant, look)
    if not yes:
        who = f"{found.kind} {display_name(found) or found.email or ''} ({found.id})"
        typer.confirm(f"Erase {who} for good?", abort=True, err=True)

    async def work(engine: Engine, operator_actor: Actor) -> RequestedErasure:
        return await erasure.erase(engine, operator_actor, found.id, messages=messages)

    _print_erased(run_in_tenant(settings, tenant, work), as_json)


@app.command("erasures")
def list_erasures(
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """List who was erased, newest first: ids alone.

    Example: koine person erasures --json
    """

    async def work(engine: Engine, operator_actor: Actor) -> list[Erasure]:
        found: list[Erasure] = []
        window: Window | None = Window(limit=100)
        while window is not None:
            page = await erasure.find_page(engine, operator_actor, window)
            found += page.items
            window = Window(limit=100, cursor=page.next) if page.next else None
        return found

    every = run_in_tenant(options.settings(data, database), tenant, work)
    headings = ["id", "kind", "messages", "requested", "erased", "checked", "counts"]
    output.print_rows(headings, map(_row, every), as_json=as_json)


@app.command("erase-again")
def erase_again(
    file: Annotated[
        Path | None,
        typer.Argument(help=f"The list. Default: {erased_list.NAME} in the data folder."),
    ] = None,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Erase again whom a restored backup has brought back.

    Of all tenants; those whom the database knows as erased are left out.

    Example: koine person erase-again
    """

    async def work(engine: Engine) -> RepeatedErasures:
        path = file or erased_list.path_of(engine)
        if not path.exists() and file is None:
            return RepeatedErasures([], [], 0)
        try:
            return await erasure.erase_again(engine, erased_list.load(path))
        except erased_list.BadList as error:
            raise CommandError(str(error)) from None

    done = run(options.settings(data, database), work)
    if as_json:
        rows = [_row(each) for each in done.erasures]
        output.print_json({"erased": rows, "held": done.held, "missing": done.missing})
    else:
        for each in done.erasures:
            typer.echo(_sentence(each))
        typer.echo(
            f"people erased again: {len(done.erasures):,}; not in this database: {done.missing:,}"
        )
    if done.held:
        raise CommandError(
            f"a legal hold keeps the data of {', '.join(done.held)}: not erased; when it is"
            " released, run this again"
        )


def _print_erased(done: RequestedErasure, as_json: bool) -> None:
    if as_json:
        output.print_json(_row(done.erasure) | {"similar_ids": done.similar})
        return
    typer.echo(_sentence(done.erasure))
    if done.similar:
        typer.echo(f"the same e-mail or phone, not erased: {', '.join(done.similar)}")


def _person_row(person: Identity) -> dict[str, str | None]:
    return {
        "id": person.id,
        "kind": person.kind,
        "name": display_name(person),
        "email": person.email,
        "phone": person.phone,
        "identifier": person.identifier,
        "state": "active" if person.removed_at is None else "removed",
    }


def _row(done: Erasure) -> dict[str, object]:
    return {
        "id": done.id,
        "kind": done.kind,
        "messages": done.messages,
        "requested_at": iso_ms(done.requested_at),
        "erased_at": None if done.erased_at is None else iso_ms(done.erased_at),
        "checked_at": None if done.checked_at is None else iso_ms(done.checked_at),
        "counts": structs.asdict(counts_of(done)),
    }


def _sentence(done: Erasure) -> str:
    c = counts_of(done)
    return (
        f"{done.kind} {done.id} is erased: {counted(c.conversations, 'conversation')}, "
        f"{counted(c.messages, 'message')} ({done.messages}), {counted(c.files, 'file')}, "
        f"{counted(c.credentials, 'credential')}, {counted(c.attempts, 'webhook attempt')}, "
        f"{counted(c.responses, 'stored response')}, "
        f"{counted(c.entries, 'audit entry', 'audit entries')}"
    )
