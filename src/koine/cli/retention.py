"""`koine retention`: for how long a tenant keeps its data, and what it must not delete."""

from typing import Annotated, Any

import typer
from msgspec import structs

from koine.cli import options, output, progress
from koine.cli.durations import parse_duration
from koine.cli.errors import CommandError
from koine.cli.runtime import run_in_tenant
from koine.cli.texts import require_text
from koine.dialects.native.schemas import Reason
from koine.engine.contacts import inboxes
from koine.engine.core.engine import Engine
from koine.engine.retention import dry_run, holds, rules, runs
from koine.engine.retention.rules import InboxPeriodChanges, PeriodChanges, Retention
from koine.kit.amounts import counted, size
from koine.kit.ids import canonical_id
from koine.kit.times import DAY, iso_ms
from koine.model.actor import Actor
from koine.model.inbox import Inbox
from koine.model.retention import HoldKind, LegalHold, RetentionCounts, RetentionRun

app = typer.Typer(
    help="Retention: for how long data is kept, and legal holds.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)
FOREVER, INHERITED = "forever", "inherit"
_KINDS = {
    "messages": "message", "conversations": "conversation", "files": "file", "events": "event",
    "webhook_deliveries": "webhook delivery", "audit_entries": "audit entry",
}  # fmt: skip
"""What a run counts, beside bytes, with the word for one."""


def _period(of: str) -> Any:
    return typer.Option(metavar="90d|52w|forever", help=f"Keep {of} for so long.")


Messages = Annotated[str | None, _period("messages and private notes")]
Conversations = Annotated[str | None, _period("closed conversations after their last message")]
Files = Annotated[str | None, _period("uploads")]
Events = Annotated[str | None, _period("the event log, in which streams resume,")]
WebhookDeliveries = Annotated[str | None, _period("the log of webhook deliveries")]
Audit = Annotated[str | None, _period("the audit log, at least 30d,")]


@app.command()
def show(
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Show the periods, the legal holds, and what the last run deleted.

    Example: koine retention show
    """

    async def work(engine: Engine, actor: Actor) -> tuple[Retention, list[Inbox], list[LegalHold]]:
        found = await rules.get(engine, actor)
        everywhere = await inboxes.list_all(engine, actor)
        return found, everywhere, await holds.list_all(engine, actor)

    found, everywhere, held = run_in_tenant(options.settings(data, database), tenant, work)
    names = {inbox.id: inbox.name for inbox in everywhere}
    if as_json:
        output.print_json(_as_json(found, held))
        return
    output.print_fields(_lines(found, names))
    for hold in held:
        typer.echo(f"held: {hold.kind} {hold.subject_id} ({hold.reason})")


@app.command("set")
def set_periods(
    *,
    messages: Messages = None,
    conversations: Conversations = None,
    files: Files = None,
    events: Events = None,
    webhook_deliveries: WebhookDeliveries = None,
    audit: Audit = None,
    inbox: Annotated[
        str | None,
        typer.Option(
            help="Id or name of an inbox: set its own periods for messages and conversations; "
            "`inherit` is the tenant's period."
        ),
    ] = None,
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Set for how long data is kept. It deletes nothing.

    A period is a number of days or weeks, such as 90d or 52w, or `forever`. What is not named stays
    as it is.

    Example: koine retention set --messages 365d --conversations 104w
    """
    given = {
        "messages": messages, "conversations": conversations, "files": files,
        "events": events, "webhook_deliveries": webhook_deliveries, "audit": audit,
    }  # fmt: skip
    days = _given(given, of_inbox=inbox is not None)

    async def work(engine: Engine, actor: Actor) -> Retention:
        if inbox is None:
            await rules.change(engine, actor, PeriodChanges(**days))
        else:
            place = await _inbox(engine, actor, inbox)
            await rules.change_inbox(engine, actor, place.id, InboxPeriodChanges(**days))
        return await rules.get(engine, actor)

    found = run_in_tenant(options.settings(data, database), tenant, work)
    if as_json:
        output.print_json(_as_json(found, None))
    else:
        output.print_fields(_lines(found, {}))
        typer.echo("`koine retention run --dry-run` counts what a run deletes")


@app.command("run")
def run_rules(
    *,
    dry: Annotated[bool, typer.Option("--dry-run", help="Count, and delete nothing.")] = False,
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Delete now what is too old. A server does so once a day.

    Example: koine retention run --dry-run
    """
    add, shown = progress.counter("rows deleted"), 0

    def show(deleted: RetentionCounts) -> None:
        nonlocal shown
        total = sum(structs.astuple(deleted)) - deleted.bytes
        add(total - shown)
        shown = total

    async def work(engine: Engine, actor: Actor) -> RetentionCounts | RetentionRun:
        if dry:
            return await dry_run.count(engine, actor)
        return await runs.run(engine, actor, show)

    done = run_in_tenant(options.settings(data, database), tenant, work)
    counts = done if isinstance(done, RetentionCounts) else runs.counts_of(done)
    if as_json:
        output.print_json({"dry_run": dry, "deleted": structs.asdict(counts)})
        return
    typer.echo(f"{'would delete' if dry else 'deleted'}: {_in_words(counts, zeros=True)}")


@app.command()
def hold(
    kind: Annotated[HoldKind, typer.Argument(help="Kind of what is held.")],
    subject: Annotated[str | None, typer.Argument(help="Its id; not needed for a tenant.")] = None,
    *,
    reason: Annotated[str, typer.Option(help="Why, for the audit log.")],
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Place a legal hold: it keeps data from being deleted.

    Example: koine retention hold tenant --reason "case 4711"
    """
    require_text("reason", reason, Reason)

    async def work(engine: Engine, actor: Actor) -> LegalHold:
        subject_id = actor.tenant_id if kind == "tenant" else canonical_id(subject or "")
        if subject_id is None:
            raise CommandError(f"give the id of the {kind}")
        return await holds.place(engine, actor, kind, subject_id, reason)

    placed = run_in_tenant(options.settings(data, database), tenant, work)
    if as_json:
        output.print_json(_hold_row(placed))
    else:
        typer.echo(f"{placed.kind} {placed.subject_id} is held: {placed.reason}")


@app.command()
def release(
    subject: Annotated[
        str | None, typer.Argument(help="Id of what is held; without it the tenant.")
    ] = None,
    tenant: options.Tenant = None,
    data: options.Data = None,
    database: options.Database = None,
    as_json: options.Json = False,
) -> None:
    """Release a legal hold.

    Example: koine retention release
    """

    async def work(engine: Engine, actor: Actor) -> LegalHold:
        subject_id = actor.tenant_id if subject is None else canonical_id(subject)
        if subject_id is None:
            raise CommandError(f"{subject} is no id")
        return await holds.release(engine, actor, subject_id)

    gone = run_in_tenant(options.settings(data, database), tenant, work)
    if as_json:
        output.print_json(_hold_row(gone))
    else:
        typer.echo(f"{gone.kind} {gone.subject_id} is no longer held")


async def _inbox(engine: Engine, actor: Actor, name: str) -> Inbox:
    found = [i for i in await inboxes.list_all(engine, actor) if name in (i.id, i.name)]
    if len(found) != 1:
        raise CommandError(f"{'several inboxes have' if found else 'no inbox has'} the name {name}")
    return found[0]


def _given(given: dict[str, str | None], *, of_inbox: bool) -> dict[str, int | None]:
    """The periods that were typed, in days. Raises CommandError."""
    days = {name: _days(text, of_inbox=of_inbox) for name, text in given.items() if text}
    if not days:
        raise CommandError("name a period, such as --messages 365d")
    if of_inbox and days.keys() - {"messages", "conversations"}:
        raise CommandError("an inbox has periods for messages and conversations only")
    return days


def _days(text: str, *, of_inbox: bool) -> int | None:
    if text == FOREVER:
        return 0 if of_inbox else None
    if text == INHERITED and of_inbox:
        return None
    length = parse_duration(text)
    if length % DAY or not length:
        raise CommandError(f"{text} is no number of days, such as 90d or 52w, nor `{FOREVER}`")
    return length // DAY


def _lines(found: Retention, names: dict[str, str]) -> dict[str, object]:
    shown: dict[str, object] = {
        name.replace("_", " "): _text(days, FOREVER)
        for name, days in structs.asdict(found.rules.tenant).items()
    }
    if found.rules.tenant.events is None:
        shown["events"] = f"{found.event_days}d (KOINE_EVENT_KEEP_DAYS)"
    if found.rules.tenant.webhook_deliveries is None:
        kept = f"{found.webhook_delivery_days}d (KOINE_WEBHOOK_KEEP_DAYS)"
        shown["webhook deliveries"] = kept
    for inbox_id, own in found.rules.inboxes.items():
        for name, days in structs.asdict(own).items():
            label = f"{name} of inbox {names.get(inbox_id, inbox_id)}"
            shown[label] = FOREVER if days == 0 else _text(days, "as the tenant's")
    last = found.last_run
    if last is not None:
        ended = "going on" if last.finished_at is None else iso_ms(last.finished_at)
        deleted = _in_words(runs.counts_of(last), zeros=False)
        shown["last run"] = f"{ended}: {deleted or 'nothing to delete'}"
    return shown


def _in_words(counts: RetentionCounts, *, zeros: bool) -> str:
    """What was deleted; with `zeros` also what there was none of."""
    numbers = structs.asdict(counts)
    said = [
        counted(numbers[name], one, name.replace("_", " "))
        for name, one in _KINDS.items()
        if zeros or numbers[name]
    ]
    return ", ".join([*said, f"{size(counts.bytes)} of files"] if zeros or counts.bytes else said)


def _text(days: int | None, default: str) -> str:
    return default if days is None else f"{days}d"


def _as_json(found: Retention, held: list[LegalHold] | None) -> dict[str, Any]:
    last = found.last_run
    shown: dict[str, Any] = {
        "periods": structs.asdict(found.rules.tenant),
        "inboxes": {i: structs.asdict(own) for i, own in found.rules.inboxes.items()},
        "server": {
            "events": found.event_days, "webhook_deliveries": found.webhook_delivery_days,
        },
        "last_run": None
        if last is None
        else {
            "started_at": iso_ms(last.started_at),
            "finished_at": None if last.finished_at is None else iso_ms(last.finished_at),
            "deleted": structs.asdict(runs.counts_of(last)),
        },
    }  # fmt: skip
    return shown if held is None else shown | {"holds": [_hold_row(each) for each in held]}


def _hold_row(held: LegalHold) -> dict[str, object]:
    return {
        "kind": held.kind,
        "subject_id": held.subject_id,
        "reason": held.reason,
        "created_by": held.created_by,
        "created_at": iso_ms(held.created_at),
    }
