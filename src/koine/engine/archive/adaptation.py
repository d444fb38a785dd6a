"""Makes rows of an archive those of this server: ids, tokens, positions and secrets."""

from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from msgspec import Struct, structs

from koine.engine.archive.renewal import KEY_PREFIX, Renewal
from koine.engine.archive.secrets import seal_secrets
from koine.engine.core.encryption import SealingKeys
from koine.model.tenant import Tenant
from koine.store.archive.columns import TENANT, ArchivedTable
from koine.store.events.event_log_state import OWN_FLOOR, TENANT_FLOOR

IMPORTED = "paused: its tenant was imported"
IMPORTED_WITHOUT_SECRET = "paused: its tenant was imported, and its secret was not"


class Plan(Struct, frozen=True, kw_only=True):
    """What an import does, decided once. `archive` is the digest of the archive. Positions of the
    event log are moved by `offset`. Events after `planned` were not queued for webhooks yet; with
    `resume_webhooks` they are written last, and the endpoints go on."""

    archive: str
    slug: str
    name: str
    source_id: str
    tenant_id: str
    new_ids: bool
    tokens: list[str]
    secret: str
    offset: int
    planned: int
    resume_webhooks: bool

    def renewal(self) -> Renewal:
        """The new ids and tokens."""
        return Renewal(
            self.secret, self.source_id, self.tenant_id, self.new_ids, frozenset(self.tokens)
        )


class Adaptation:
    """Of the rows of one import; `now` in µs."""

    def __init__(self, plan: Plan, keys: SealingKeys, now: int) -> None:
        self._plan = plan
        self._renewal = plan.renewal()
        self._keys = keys
        self._now = now
        self._special: dict[str, Callable[[Any], bool]] = {
            "api_keys": self._key,
            "sessions": self._of_the_same_server,
            "idempotency_keys": self._of_the_same_server,
            "events": self._event,
            "webhook_endpoints": self._endpoint,
            "webhook_deliveries": self._delivery,
            "counters": self._counter,
        }

    def rows(self, table: ArchivedTable, rows: list[Any]) -> list[Any]:
        """The rows as they are written here, changed in place; without those that are not."""
        renewers = self._renewers(table)
        special = self._special.get(table.name)
        has_secrets = bool(table.of_kind("sealed", "secret"))
        kept = []
        for row in rows:
            for name, renew in renewers:
                if (value := getattr(row, name)) is not None:
                    setattr(row, name, renew(value))
            if special is None or special(row):
                kept.append(row)
            if has_secrets:
                seal_secrets(table, row, self._keys)
        return kept

    def tenant(self, tenant: Tenant, number: int) -> Tenant:
        """The row of the tenant itself."""
        values = {name: getattr(tenant, name) for name in TENANT.of_kind("plain", "id", "ids")}
        responder = tenant.default_responder_id
        return structs.replace(
            Tenant(**values),
            id=self._plan.tenant_id,
            number=number,
            slug=self._plan.slug,
            name=self._plan.name,
            default_responder_id=responder and self._renewal.id(responder),
            settings=self._renewal.text_with_ids(tenant.settings),
        )

    def _renewers(self, table: ArchivedTable) -> list[tuple[str, Callable[[Any], Any]]]:
        """What is done to which columns; nothing for those that stay."""
        renewal = self._renewal
        found: list[tuple[str, Callable[[Any], Any]]] = [
            (name, self._position) for name in table.of_kind("position")
        ]
        if self._plan.new_ids:
            found += [(name, renewal.id) for name in table.of_kind("id")]
            found += [(name, renewal.text_with_ids) for name in table.of_kind("ids", "files")]
        if self._plan.tokens:
            found += [(name, renewal.text_with_links) for name in table.of_kind("links", "files")]
        for name in table.of_kind("token"):
            column = f"{table.name}.{name}"
            found.append((name, partial(renewal.token, column)))
        return found

    def _position(self, position: int) -> int:
        # An endpoint may have been enabled before the oldest event that is kept.
        return max(position + self._plan.offset, 0)

    def _key(self, row: Any) -> bool:
        """A key whose prefix is another tenant's would be taken for that tenant's key: what clients
        have does not work any more."""
        if KEY_PREFIX in self._plan.tokens and row.revoked_at is None:
            row.revoked_at = self._now
        return True

    def _of_the_same_server(self, _row: Any) -> bool:
        """Clients hold their ids in tokens and digests: with new ids they are of no use."""
        return not self._plan.new_ids

    def _event(self, row: Any) -> bool:
        """An event of the future would keep all events after it from being deleted."""
        row.created_at = min(row.created_at, self._now)
        return not self.is_last(row.position)

    def is_last(self, position: int) -> bool:
        """Whether an event at this position (here) is written last, as webhooks still wait for
        it."""
        return self._plan.resume_webhooks and position > self._plan.planned + self._plan.offset

    def _endpoint(self, row: Any) -> bool:
        if row.status == "active":
            has_secret = row.secret is not None
            row.status = "disabled"
            row.reason = IMPORTED if has_secret else IMPORTED_WITHOUT_SECRET
            row.failures, row.failing_since, row.open_until = 0, None, None
        return True

    def _delivery(self, row: Any) -> bool:
        """A copy beside the original sends nothing that the original sends."""
        if self._plan.new_ids and row.state == "pending":
            row.state, row.finished_at = "cancelled", self._now
        return True

    def _counter(self, row: Any) -> bool:
        return row.name not in (TENANT_FLOOR, OWN_FLOOR)


def encode_plan(plan: Plan) -> str:
    """A plan as it is stored."""
    return msgspec.json.encode(plan).decode()


def decode_plan(text: str) -> Plan:
    """A stored plan."""
    return msgspec.json.decode(text, type=Plan)
