"""`koine tenant export`, `import` and `verify`: a tenant in a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from koine.cli import options, output, progress
from koine.cli.errors import CommandError
from koine.cli.runtime import run, run_in_tenant
from koine.cli.secret_input import read_secret
from koine.cli.texts import require_text
from koine.dialects.native.schemas import Name
from koine.engine.archive import exporting, importing, verifying
from koine.engine.archive.exporting import ExportOptions
from koine.engine.archive.format import ArchiveError, LeftOut, Manifest
from koine.engine.archive.import_plan import ImportOptions
from koine.engine.archive.importing import ImportReport
from koine.engine.core.engine import Engine
from koine.kit.amounts import size
from koine.model.actor import Actor

File = Annotated[Path, typer.Argument(metavar="FILE", help="The archive.", show_default=False)]
PassphraseFile = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        metavar="FILE",
        help="File with the passphrase in its first line; - reads it from standard input.",
    ),
]
_STAGES = {"verify": "verifying", "rows": "rows", "files": "files"}


def export(
    name: Annotated[str, typer.Argument(help="Short name or id of the tenant.")],
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write, a new one.")],
    *,
    passphrase_file: PassphraseFile = None,
    with_secrets: Annotated[
        bool,
        typer.Option(
            "--with-secrets", help="Also the webhooks' and inboxes' secrets, in plain text."
        ),
    ] = False,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Write everything that a tenant has into a file.

    Servers may use the database meanwhile; the file has its state of one moment.

    Example: koine tenant export acme acme.archive --passphrase-file passphrase.txt
    """
    wanted = ExportOptions(passphrase=_passphrase(passphrase_file), with_secrets=with_secrets)
    if with_secrets and wanted.passphrase is None:
        typer.echo(f"koine: {path} will have secrets in plain text: keep it private", err=True)
    with _errors(path), progress.bars(_STAGES) as show:

        async def work(engine: Engine, operator_actor: Actor) -> Manifest:
            return await exporting.export_tenant(engine, operator_actor, path, wanted, show)

        made = run_in_tenant(options.settings(data, database), name, work)
    if as_json:
        output.print_json({"file": str(path), "bytes": path.stat().st_size} | _summary(made))
    else:
        typer.echo(f"{path}: {size(path.stat().st_size)}\n{_text(made)}")


def import_(
    path: File,
    *,
    as_name: Annotated[
        str | None,
        typer.Option("--as", help="Import it under this name; beside the original, too."),
    ] = None,
    new_ids: Annotated[
        bool, typer.Option("--new-ids", help="Give new ids although those of the archive are free.")
    ] = False,
    resume_webhooks: Annotated[
        bool,
        typer.Option("--resume-webhooks", help="Send on; the other server must not send any more."),
    ] = False,
    passphrase_file: PassphraseFile = None,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Import a tenant from a file: all, or nothing.

    Servers may use the database meanwhile. After an interruption the same command goes on.

    Example: koine tenant import acme.archive
    """
    require_text("name", as_name, Name)
    wanted = ImportOptions(
        passphrase=_passphrase(passphrase_file),
        name=as_name,
        slug=None if as_name is None else options.slug(as_name),
        new_ids=new_ids,
        resume_webhooks=resume_webhooks,
    )
    with _errors(path), progress.bars(_STAGES) as show:

        async def work(engine: Engine) -> ImportReport:
            return await importing.import_tenant(engine, path, wanted, show)

        made = run(options.settings(data, database), work)
    if as_json:
        output.print_json(_report(made))
    else:
        typer.echo("\n".join(_report_lines(made)))


def verify(
    path: File, *, passphrase_file: PassphraseFile = None, as_json: options.Json = False
) -> None:
    """Check every row and file of an archive.

    This needs no database.

    Example: koine tenant verify acme.archive
    """
    passphrase = _passphrase(passphrase_file)
    with _errors(path), progress.bars(_STAGES) as show:
        found = verifying.verify(path, passphrase, lambda done, total: show("verify", done, total))
    if as_json:
        output.print_json(_summary(found.manifest) | {"digest": found.digest})
    else:
        typer.echo(f"{_text(found.manifest)}\nevery row and every file is as it was written")


def discard(
    data: options.Data = None, database: options.Database = None, as_json: options.Json = False
) -> None:
    """Delete what interrupted imports wrote.

    Example: koine tenant discard
    """
    slugs = run(options.settings(data, database), importing.delete_unfinished)
    if as_json:
        output.print_json({"discarded": slugs})
    else:
        typer.echo(f"discarded: {', '.join(slugs) or 'none'}")


@contextmanager
def _errors(path: Path) -> Iterator[None]:
    """Raises CommandError for what an archive can be wrong with."""
    try:
        yield
    except FileExistsError:
        raise CommandError(f"{path} exists already: no file is overwritten") from None
    except ArchiveError as error:
        raise CommandError(f"{path}: {error}") from None
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror or error}") from None


def _passphrase(path: Path | None) -> str | None:
    return None if path is None else read_secret("passphrase", path)


def _summary(manifest: Manifest) -> dict[str, Any]:
    head = manifest.head
    return {
        "tenant": head.tenant,
        "koine": head.koine,
        "schema": head.schema,
        "created_at": head.created_at,
        "rows": manifest.rows,
        "files": manifest.files,
        "file_bytes": manifest.file_bytes,
        "deleted_files": manifest.deleted,
        "secrets": head.secrets,
        "left_out": manifest.left_out,
    }


def _text(manifest: Manifest) -> str:
    """An archive, for people to read."""
    head = manifest.head
    rows = ", ".join(f"{name} {count:,}" for name, count in manifest.rows.items() if count)
    lines = [
        f"tenant {head.tenant.slug} ({head.tenant.id}), exported {head.created_at} by Koine "
        f"{head.koine}, at {head.schema}",
        f"rows: {rows}",
        f"files: {manifest.files:,}, {size(manifest.file_bytes)}",
    ]
    if manifest.deleted:
        lines.append(f"files deleted while it was written: {manifest.deleted}")
    return "\n".join(lines + _left_out(manifest.left_out))


def _left_out(found: list[LeftOut]) -> list[str]:
    return [f"left out: {each.table}.{each.column} of {each.id} ({each.reason})" for each in found]


def _report(made: ImportReport) -> dict[str, Any]:
    tenant = made.tenant
    return {
        "tenant": {
            "id": tenant.id,
            "number": tenant.number,
            "slug": tenant.slug,
            "name": tenant.name,
        },
        "new_ids": made.new_ids,
        "rows": made.rows,
        "files": made.files,
        "renewed": made.renewed,
        "logins_left_out": made.logins,
        "paused_webhooks": made.paused,
        "erased_people": made.erased,
        "held_people": made.held,
        "left_out": made.left_out,
        "resumed": made.resumed,
    }


def _report_lines(made: ImportReport) -> list[str]:
    tenant = made.tenant
    lines = [f"tenant {tenant.slug} imported: {tenant.id}, number {tenant.number}"]
    lines.append(f"rows: {made.rows:,}, files: {made.files:,}")
    if made.new_ids:
        lines.append("it has new ids")
    if made.renewed:
        lines.append(f"new, as those of the archive are in use here: {', '.join(made.renewed)}")
    if made.logins:
        lines.append(f"logins left out, as their e-mails log in to other tenants: {made.logins}")
    if made.erased:
        lines.append(f"people erased again, as they were erased here: {made.erased}")
    if made.held:
        lines.append(f"people erased here, but kept by a legal hold of the archive: {made.held}")
    if made.paused:
        lines.append(f"webhooks paused: {made.paused}; enable them one by one")
    return lines + _left_out(made.left_out)
