"""Refusals as this dialect's errors (F: the shape and three of the texts; D: the rest)."""

from collections.abc import Mapping
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from koine.http.dialect import MethodNotAllowed
from koine.http.request import Response
from koine.model.errors import (
    Conflict,
    Forbidden,
    Invalid,
    Malformed,
    NotFound,
    Refusal,
    TenantSuspended,
    TooLarge,
    TooMany,
    Unauthenticated,
    Unavailable,
)

SUPPORT_URL = "/docs"
"""The link in the call to action unless the operator sets another: this server's own pages."""


class Cta(Struct, frozen=True):
    """What the reader of an error can do about it."""

    type: Literal["support-contact"]
    url: str


class Feedback(Struct, frozen=True):
    """The error text for people, in three languages."""

    enUs: str
    esEs: str
    ptBr: str


class Detail(Struct, frozen=True):
    """One error in the request; `field` is null if it concerns the whole request."""

    field: str | None
    message: str


class Error(Struct, frozen=True):
    """The body of every error; only status 400 has `details`."""

    code: str
    cta: Cta
    feedback: Feedback
    message: str
    name: str
    details: list[Detail] | UnsetType = UNSET


class _Kind(Struct, frozen=True):
    status: int
    code: str
    name: str
    message: str
    es: str
    pt: str


_INVALID = _Kind(
    400, "INVALID_DATA", "InvalidDataError",
    "Invalid data provided.", "Los datos proporcionados no son válidos.",
    "Os dados fornecidos são inválidos.",
)  # fmt: skip
_UNAUTHORIZED = _Kind(
    401, "UNAUTHORIZED", "UnauthorizedError",
    "Unauthorized.", "No autorizado.", "Não autorizado.",
)  # fmt: skip
_FORBIDDEN = _Kind(
    403, "FORBIDDEN", "ForbiddenError",
    "This API key may not do this.", "Esta clave de API no tiene permiso para hacer esto.",
    "Esta chave de API não tem permissão para fazer isto.",
)  # fmt: skip
_SUSPENDED = _Kind(
    403, "FORBIDDEN", "ForbiddenError",
    "This workspace is suspended.", "Este espacio de trabajo está suspendido.",
    "Este espaço de trabalho está suspenso.",
)  # fmt: skip
_NOT_FOUND = _Kind(
    404, "NOT_FOUND", "NotFoundError",
    "Not found.", "No encontrado.", "Não encontrado.",
)  # fmt: skip
_NOT_FOUND_BY_ENTITY = {
    "conversation": _Kind(
        404, "CHAT_NOT_FOUND", "ChatNotFoundError",
        "Chat not found.", "Chat no encontrado.", "Chat não encontrado.",
    ),
    "inbox": _Kind(
        404, "CHANNEL_NOT_FOUND", "ChannelNotFoundError",
        "Channel not found.", "Canal no encontrado.", "Canal não encontrado.",
    ),
    "owner": _Kind(
        404, "OWNER_NOT_FOUND", "OwnerNotFoundError",
        "Owner not found.", "Propietario no encontrado.", "Proprietário não encontrado.",
    ),
    "thread": _Kind(
        404, "CHAT_THREAD_NOT_FOUND", "ChatThreadNotFoundError",
        "Chat thread not found.", "Hilo de chat no encontrado.",
        "Tópico do chat não encontrado.",
    ),
}  # fmt: skip
_NO_METHOD = _Kind(
    405, "METHOD_NOT_ALLOWED", "MethodNotAllowedError",
    "Method not allowed.", "Método no permitido.", "Método não permitido.",
)  # fmt: skip
_CONFLICT = _Kind(
    409, "CONFLICT", "ConflictError",
    "This is not possible in the current state.",
    "Esto no es posible en el estado actual.",
    "Isto não é possível no estado atual.",
)  # fmt: skip
_TOO_LARGE = _Kind(
    413, "PAYLOAD_TOO_LARGE", "PayloadTooLargeError",
    "The request is too large.", "La solicitud es demasiado grande.",
    "A requisição é grande demais.",
)  # fmt: skip
_RATE_LIMITED = _Kind(
    429, "RATE_LIMITED", "RateLimitedError",
    "Too many requests. Try again later.",
    "Demasiadas solicitudes. Inténtalo de nuevo más tarde.",
    "Requisições demais. Tente novamente mais tarde.",
)  # fmt: skip
_INTERNAL = _Kind(
    500, "INTERNAL", "InternalError",
    "Internal server error.", "Error interno del servidor.", "Erro interno do servidor.",
)  # fmt: skip
_UNAVAILABLE = _Kind(
    503, "UNAVAILABLE", "UnavailableError",
    "The service is unavailable. Try again soon.",
    "El servicio no está disponible. Inténtalo de nuevo en breve.",
    "O serviço está indisponível. Tente novamente em breve.",
)  # fmt: skip

_STATUSES = (400, 401, 403, 404, 409, 413, 422, 429, 500, 503)
TYPES: Mapping[int, type] = dict.fromkeys(_STATUSES, Error)


def error_response(refusal: Refusal | None, support_url: str) -> Response:
    """The error body and status of a refusal; None, or a type not listed here, is a 500."""
    kind = _kind(refusal)
    error = Error(
        code=kind.code,
        cta=Cta("support-contact", support_url),
        feedback=Feedback(kind.message, kind.es, kind.pt),
        message=kind.message,
        name=kind.name,
        details=_details(refusal),
    )
    return Response(error, kind.status)


def _kind(refusal: Refusal | None) -> _Kind:
    match refusal:
        case Invalid() | Malformed():
            return _INVALID
        case Unauthenticated():
            return _UNAUTHORIZED
        case TenantSuspended():
            return _SUSPENDED
        case Forbidden():
            return _FORBIDDEN
        case MethodNotAllowed():
            return _NO_METHOD
        case NotFound():
            return _NOT_FOUND_BY_ENTITY.get(refusal.entity, _NOT_FOUND)
        case Conflict():
            return _CONFLICT
        case TooLarge():
            return _TOO_LARGE
        case TooMany():
            return _RATE_LIMITED
        case Unavailable():
            return _UNAVAILABLE
    return _INTERNAL


def _details(refusal: Refusal | None) -> list[Detail] | UnsetType:
    match refusal:
        case Invalid(field=field, message=message):
            return [Detail(field, message)]
        case Malformed(message=message):
            return [Detail(None, message)]
    return UNSET
