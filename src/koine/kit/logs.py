"""The log: an entry is one line, as JSON or readable text, and never contains a secret."""

import json as std_json
import logging
import re
import sys
from contextvars import ContextVar
from typing import Protocol, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from koine.kit import tracing

_SECRETS = re.compile(
    r"(?P<key>sk_(?:live|test)_)[A-Za-z0-9_-]+"
    r"|(?P<hook>whsec_)[A-Za-z0-9+/=_-]+"
    r"|(?P<bearer>\b[Bb]earer\s+)[A-Za-z0-9._~+/=-]{8,}"
    r"|(?P<jwt>\beyJ)[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+\.?[A-Za-z0-9_-]*"
    r"|(?P<url>[a-z]://[^\s:/@]*:)[^\s\"'\\]*(?=@)"
)
_OURS = "koine"
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


class LogContext(Protocol):
    """What the current task works on; `log_context` is called only when a line is logged."""

    @property
    def request_id(self) -> str | None:
        """The id of the request that is served, or that caused this work."""

    def log_context(self) -> dict[str, str]:
        """The fields that are added to each line: request_id, tenant."""


current: ContextVar[LogContext | None] = ContextVar("current", default=None)
"""The log context of the current task: the request that it serves."""


def request_id() -> str | None:
    """The id of the request that the current task serves; None outside of requests.

    Events and audit entries are written with it. It is read here and is no argument of operations,
    because nothing may depend on it: it is only for finding what belongs together.
    """
    now = current.get()
    return None if now is None else now.request_id


def configure(level: str = "info", json: bool = True, stream: TextIO | None = None) -> None:
    """Send every log line, the libraries' included, to `stream` (standard error).

    Lines have the fields of `current`. Libraries log warnings and errors only, whatever the level:
    below that they log whole requests and handshakes with the secrets in them.
    """
    out = stream or sys.stderr
    threshold = logging.getLevelNamesMapping()[level.upper()]
    shared = _shared()
    ending = _ending(json)
    structlog.configure(
        processors=[*shared, *ending],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(file=out),
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *ending],
        )
    )
    logging.basicConfig(handlers=[handler], level=max(threshold, logging.WARNING), force=True)
    logging.getLogger(_OURS).setLevel(threshold)


def redact(text: str) -> str:
    """`text` with API keys, bearer tokens, JWTs, webhook secrets and passwords in URLs replaced."""
    return _SECRETS.sub(lambda found: f"{found[found.lastgroup or 0]}[redacted]", text)


def _shared() -> list[Processor]:
    return [
        structlog.contextvars.merge_contextvars,
        _add_context,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]


def _add_context(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    now = current.get()
    known = {} if now is None else now.log_context()
    if tracing.active() and (trace := tracing.trace_id()):
        known["trace_id"] = trace
    return {**known, **event}


def _ending(json: bool) -> list[Processor]:
    if json:
        # Escapes everything outside ASCII, U+2028 and terminal codes included.
        return [_redacted(structlog.processors.JSONRenderer(_dump))]
    return [_escape, _redacted(structlog.dev.ConsoleRenderer(colors=False))]


def _dump(event: EventDict, **options: object) -> str:
    default = options.get("default")
    text = std_json.dumps(event, default=default if callable(default) else repr, skipkeys=True)
    return text.replace("\x7f", "\\u007f")


def _redacted(render: Processor) -> Processor:
    # On the finished line, so that nested values are redacted, too.
    def step(logger: WrappedLogger, method: str, event: EventDict) -> str:
        return redact(str(render(logger, method, event)))

    return step


def _escape(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    return {_visible(key): _line(key, value) for key, value in event.items()}


def _line(key: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    if key != "exception":
        return _visible(value)
    # A traceback keeps its lines, each with a prefix, so that none looks like a log entry.
    return "\n".join(f"  | {_visible(line)}" for line in value.split("\n"))


def _visible(text: str) -> str:
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)
