"""Every setting: its environment variable (KOINE_ and its name), default and description."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Literal, get_type_hints

import msgspec
from msgspec import Meta
from msgspec.inspect import BoolType, IntType, LiteralType, Metadata, type_info

from koine.kit import backup_settings, secret_keys
from koine.kit import setting_urls as urls
from koine.kit.backup_settings import BackupSettings, BadBackupSetting
from koine.kit.limit_settings import Seconds
from koine.kit.outbound.egress_policy import EgressPolicy

PREFIX = "KOINE_"
MIN_TOKEN = 16
NOT_SETTINGS = frozenset(("KOINE_URL",))
"""Variables for the commands of the documentation, set by `koine demo --env`."""

_DATABASE = re.compile(rf"|sqlite:///.+|postgres(ql)?://{urls.SERVERS}{urls.PATH}{urls.QUERY}")
_NATS_SERVER = rf"(nats|tls)://{urls.SERVER}"
_NATS = re.compile(rf"|{_NATS_SERVER}(\s*,\s*{_NATS_SERVER})*")
_BASE_URL = re.compile(r"|https?://[^\s/?#]+(/[^\s?#]*)?")
_COLLECTOR = re.compile(rf"|https?://{urls.SERVER}{urls.PATH}")
_WORDS = {"true": True, "1": True, "yes": True, "on": True}
_WORDS |= {"false": False, "0": False, "no": False, "off": False}


class BadSetting(Exception):
    """A setting has a bad value. `name` is its variable, `reason` says what is accepted."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


@dataclass(frozen=True)
class SettingDoc:
    """One setting as documentation shows it. `default` is text, empty for none."""

    name: str
    env: str
    default: str
    doc: str
    accepts: str


class Settings(BackupSettings, frozen=True, kw_only=True):
    """Every setting, checked by `load`. The defaults alone make a working server."""

    host: Annotated[str, Meta(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port to listen on.")] = 8420
    workers: Annotated[
        int, Meta(ge=1, le=256, description="Processes; more than one needs PostgreSQL.")
    ] = 1
    data_dir: Annotated[
        str, Meta(min_length=1, description="Folder of the embedded database and of uploads.")
    ] = "data"
    database_url: Annotated[
        str,
        Meta(
            description="URL of the database; empty: the embedded SQLite file in the data folder."
        ),
    ] = ""
    pool_size: Annotated[
        int, Meta(ge=1, le=1000, description="PostgreSQL connections of each process.")
    ] = 8
    database_wait_seconds: Annotated[
        int,
        Meta(
            ge=0,
            le=3600,
            description="Seconds that a starting server waits for its database; 0 = not at all.",
        ),
    ] = 60
    unsafe_database: Annotated[
        bool, Meta(description="Start on a PostgreSQL whose settings may lose committed data.")
    ] = False
    postgres_programs: Annotated[
        str, Meta(description="Folder of pg_dump and pg_restore; empty: found by PATH.")
    ] = ""
    drain_seconds: Annotated[
        int,
        Meta(ge=0, le=300, description="Seconds from SIGTERM until new connections are refused."),
    ] = 2
    grace_seconds: Annotated[
        int,
        Meta(
            ge=1, le=3600, description="Seconds that open requests may take to finish at shutdown."
        ),
    ] = 10
    base_url: Annotated[
        str, Meta(description="Public URL of the server; empty: http://host:port.")
    ] = ""
    trusted_proxies: Annotated[
        str,
        Meta(description="Addresses or CIDRs of proxies with X-Forwarded headers, by comma."),
    ] = ""
    demo: Annotated[bool, Meta(description="Fill an empty database with the demonstration.")] = (
        False
    )
    docs_enabled: Annotated[bool, Meta(description="Serve the API documentation.")] = True
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"],
        Meta(description="Lowest level that is logged."),
    ] = "info"
    log_format: Annotated[
        Literal["auto", "json", "console"],
        Meta(description="Format of the log; auto: console on a terminal, else JSON."),
    ] = "auto"
    access_log: Annotated[
        bool,
        Meta(description="Log each request: address, method, route, status, time; never its path."),
    ] = False
    metrics_port: Annotated[
        int,
        Meta(
            ge=0,
            le=65535,
            description="Port of /metrics; worker n has the port n higher; 0 = none.",
        ),
    ] = 0
    metrics_host: Annotated[
        str, Meta(min_length=1, description="Address that /metrics listens on.")
    ] = "127.0.0.1"
    metrics_token: Annotated[
        str, Meta(description="Bearer token of /metrics on the main port; empty: not served there.")
    ] = ""
    otel_endpoint: Annotated[
        str, Meta(description="URL of an OTLP/HTTP collector for traces; empty: none.")
    ] = ""
    nats_url: Annotated[
        str,
        Meta(description="NATS servers between nodes, by comma; empty: the database is used."),
    ] = ""
    nats_creds: Annotated[
        str, Meta(description="Credentials file for NATS; empty: none, or those in the URL.")
    ] = ""
    secret_key: Annotated[
        str,
        Meta(
            description="Keys that sign and seal, newest first, by comma; empty: in the database."
        ),
    ] = ""
    secret_key_file: Annotated[
        str, Meta(description="File with such keys, a key a line; older than the keys above.")
    ] = ""
    access_token_seconds: Annotated[
        Seconds, Meta(description="Lifetime of an access token, in seconds.")
    ] = 900
    refresh_token_days: Annotated[
        int, Meta(ge=1, le=3650, description="Lifetime of a refresh token, in days.")
    ] = 30
    token_cache_seconds: Annotated[
        int,
        Meta(
            ge=0, le=300, description="Seconds for which a checked credential is cached; 0 = never."
        ),
    ] = 5
    outbound_allow: Annotated[
        str,
        Meta(description="Non-public hosts, host:port, IPs or CIDRs to allow, by comma."),
    ] = ""
    outbound_http: Annotated[
        bool, Meta(description="Also send webhooks and fetch keys over plain HTTP.")
    ] = False
    event_keep_days: Annotated[
        int,
        Meta(
            ge=4,
            le=3650,
            description="Days that events are kept for streams and webhook replays.",
        ),
    ] = 7
    webhook_keep_days: Annotated[
        int, Meta(ge=7, le=3650, description="Days that the log of webhook deliveries is kept.")
    ] = 30

    def __repr__(self) -> str:
        """Without values: settings contain secrets, which must not get into a log."""
        return "Settings(…)"

    def public_url(self) -> str:
        """The public URL of the server, without a slash at its end."""
        if self.base_url:
            return self.base_url.rstrip("/")
        host = "localhost" if self.host in ("0.0.0.0", "::", "") else self.host
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    def secret_keys(self) -> tuple[str, ...]:
        """The server's keys that are given, newest first; `secret_keys.STORED` stands for the one
        in the database. Raises BadSetting, after `load` only if the file changed."""
        try:
            return secret_keys.parse(self.secret_key, self.secret_key_file)
        except secret_keys.BadSecretKeys as error:
            name = "secret_key_file" if error.in_file else "secret_key"
            raise BadSetting(variable(name), str(error)) from None

    def proxy_networks(self) -> tuple[IPv4Network | IPv6Network, ...]:
        """`trusted_proxies`, parsed. Raises ValueError, but not after `load`."""
        parts = (part.strip() for part in self.trusted_proxies.split(","))
        return tuple(ip_network(part, strict=False) for part in parts if part)


def load(env: Mapping[str, str], overrides: Mapping[str, object] | None = None) -> Settings:
    """The settings of `env`; `overrides` (by name, None = not given) come before them.

    An empty variable counts as not given. Raises BadSetting.
    """
    given: dict[str, object] = {
        name: env[variable(name)] for name in _TYPES if env.get(variable(name), "").strip()
    }
    given |= {name: value for name, value in (overrides or {}).items() if value is not None}
    checked = msgspec.convert({k: _read(k, v) for k, v in given.items()}, Settings)
    _check(checked)
    return checked


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def unknown(env: Iterable[str]) -> list[str]:
    """The KOINE_ variables that are not settings (probably misspelt), sorted."""
    known = {variable(name) for name in _TYPES} | NOT_SETTINGS
    return sorted(name for name in env if name.startswith(PREFIX) and name not in known)


def describe() -> list[SettingDoc]:
    """Every setting, in the order of `Settings`, for the documentation and `koine doctor`."""
    return [
        SettingDoc(
            name=field.name,
            env=variable(field.name),
            default=_shown(field.default),
            doc=_doc(field.name),
            accepts=_accepts(field.name),
        )
        for field in msgspec.structs.fields(Settings)
    ]


def environment(settings: Settings) -> dict[str, str]:
    """The settings as environment variables, for a worker process to `load`."""
    return {
        variable(field.name): _shown(getattr(settings, field.name))
        for field in msgspec.structs.fields(Settings)
    }


_TYPES: dict[str, object] = {
    name: kind
    for name, kind in get_type_hints(Settings, include_extras=True).items()
    if name in Settings.__struct_fields__
}


def _read(name: str, value: object) -> object:
    if name not in _TYPES:
        raise BadSetting(variable(name), "there is no such setting")
    if isinstance(value, str):
        value = value.strip()
        if isinstance(_kind(name), BoolType):
            value = _WORDS.get(value.lower(), value)
    try:
        return msgspec.convert(value, _TYPES[name], strict=not isinstance(value, str))
    except msgspec.ValidationError:
        raise BadSetting(variable(name), f"must be {_accepts(name)}") from None


def _check(settings: Settings) -> None:
    """Raises BadSetting for what the types do not check."""
    if not _DATABASE.fullmatch(settings.database_url):
        reason = (
            "must be postgresql://user:password@host:port/name or sqlite:///path, or empty; "
            f"{urls.ESCAPES}"
        )
        raise BadSetting(variable("database_url"), reason)
    if not _BASE_URL.fullmatch(settings.base_url):
        raise BadSetting(variable("base_url"), "must be http://… or https://…, or empty")
    settings.secret_keys()
    if not _COLLECTOR.fullmatch(settings.otel_endpoint):
        reason = f"must be http://… or https://…, or empty; {urls.ESCAPES}"
        raise BadSetting(variable("otel_endpoint"), reason)
    if not _NATS.fullmatch(settings.nats_url):
        reason = "must be nats://host:port or tls://host:port, several divided by commas, or empty"
        raise BadSetting(variable("nats_url"), reason)
    if 0 < len(settings.metrics_token) < MIN_TOKEN:
        raise BadSetting(variable("metrics_token"), f"must have {MIN_TOKEN} characters or more")
    try:
        settings.proxy_networks()
    except ValueError:
        reason = "must be addresses or CIDRs divided by commas"
        raise BadSetting(variable("trusted_proxies"), reason) from None
    try:
        backup_settings.check(settings)
    except BadBackupSetting as error:
        raise BadSetting(variable(error.name), error.reason) from None
    try:
        EgressPolicy.parse(settings.outbound_allow)
    except ValueError as error:
        raise BadSetting(variable("outbound_allow"), str(error)) from None


def _kind(name: str) -> object:
    kind = type_info(_TYPES[name])
    return kind.type if isinstance(kind, Metadata) else kind


def _accepts(name: str) -> str:
    kind = _kind(name)
    if isinstance(kind, BoolType):
        return "true or false"
    if isinstance(kind, IntType):
        return f"a whole number from {kind.ge} to {kind.le}"
    if isinstance(kind, LiteralType):
        return f"one of {', '.join(str(value) for value in kind.values)}"
    return "text"


def _doc(name: str) -> str:
    notes = getattr(_TYPES[name], "__metadata__", ())
    return next((note.description for note in reversed(notes) if note.description), "")


def _shown(default: object) -> str:
    return str(default).lower() if isinstance(default, bool) else str(default)
