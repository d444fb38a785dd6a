"""OpenAPI 3.1 documents, generated from the routes and the Structs of their bodies."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from collections.abc import Mapping
from http import HTTPStatus

from koine.http.dialect import Dialect
from koine.http.openapi_parameters import path_parameters, query_parameters
from koine.http.openapi_request_body import request_body
from koine.http.openapi_schemas import Json, Schemas
from koine.http.route import Route

JSON = "application/json"
# The marks of where a rule comes from, "(S)", are for readers of the code.
_RULE_MARK = re.compile(r"\s\([A-Z]\)(?=[\s.,;:]|$)")


def document(dialect: Dialect, base_url: str = "/") -> Json:
    """Give the dialect's document; `base_url` is the server's address, or "/" for "this one"."""
    routes = [route for route in dialect.routes if not route.hidden]
    schemas = Schemas(_types(dialect, routes))
    names = _operation_ids(routes)
    paths: dict[str, dict[str, object]] = {}
    for route, name in zip(routes, names, strict=True):
        operation = _operation(dialect, route, schemas)
        paths.setdefault(route.path, {})[route.method.lower()] = {"operationId": name} | operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": dialect.title,
            "version": dialect.version,
            "description": dialect.description,
        },
        "servers": [{"url": base_url}],
        "paths": paths,
        "components": {
            "schemas": schemas.components(),
            "securitySchemes": {name: dict(s) for name, s in dialect.security_schemes.items()},
        },
    }


def _types(dialect: Dialect, routes: list[Route]) -> list[type]:
    found: list[type | None] = [*dialect.error_types.values()]
    for route in routes:
        found += [route.body, route.query, route.returns]
        if isinstance(route.other_statuses, Mapping):
            found += route.other_statuses.values()
    return [kind for kind in dict.fromkeys(found) if kind is not None]


def _operation(dialect: Dialect, route: Route, schemas: Schemas) -> dict[str, object]:
    summary, description = _texts(route)
    operation: dict[str, object] = {
        "tags": [*(route.tags or _default_tags(dialect, route))],
        "summary": summary,
        "parameters": path_parameters(route) + query_parameters(route, schemas),
        "responses": _responses(dialect, route, schemas),
        "security": _security(dialect, route),
    }
    if description:
        operation["description"] = description
    if route.body is not None:
        operation["requestBody"] = request_body(route, route.body, schemas)
    return operation


def _texts(route: Route) -> tuple[str, str]:
    text = _RULE_MARK.sub("", inspect.getdoc(route.handler) or "")
    first, _, rest = text.partition("\n")
    if route.summary:
        return route.summary, text
    return first.rstrip(".") or route.handler.__name__.replace("_", " "), rest.strip()


def _default_tags(dialect: Dialect, route: Route) -> list[str]:
    owned = [p for p in dialect.prefixes if f"{route.path}/".startswith(f"{p}/")]
    return [max(owned, key=len).rsplit("/", 1)[-1]] if owned else [dialect.name]


def _security(dialect: Dialect, route: Route) -> list[dict[str, list[str]]]:
    return [] if route.public else [{name: []} for name in dialect.security_schemes]


def _responses(dialect: Dialect, route: Route, schemas: Schemas) -> Json:
    others = route.other_statuses
    kinds: dict[int, type | None] = dict(dialect.error_types)
    for status in others:
        known = others[status] if isinstance(others, Mapping) else None
        kinds[status] = known or kinds.get(status) or (route.returns if status < 400 else None)
    kinds[route.status] = route.returns
    # A dialect may have a content type of its own for error responses (RFC 9457).
    error_media = getattr(dialect, "error_media", JSON)
    return {
        str(status): _response(status, kind, route.media if status < 400 else error_media, schemas)
        for status, kind in sorted(kinds.items())
    }


def _response(status: int, kind: type | None, media: str, schemas: Schemas) -> Json:
    response: Json = {"description": HTTPStatus(status).phrase}
    if media == "text/event-stream" and kind is not None:
        return response | {"content": {media: {"schema": _event_response(schemas.of(kind))}}}
    if media != JSON and not media.endswith("+json"):
        return response | {"content": {media: {"schema": {"type": "string"}}}}
    if kind is not None:
        response["content"] = {media: {"schema": schemas.of(kind)}}
    return response


def _event_response(data: Json) -> Json:
    """One server-sent event; its `data` is JSON in a string."""
    # Beside events there are `ready`, `reset`, `closing` and ephemeral events.
    content = {"anyOf": [data, {"type": "object"}]}
    text = {"type": "string", "contentMediaType": JSON, "contentSchema": content}
    fields = {"event": {"type": "string"}, "data": text, "id": {"type": "string"}}
    return {"type": "object", "properties": fields | {"retry": {"type": "integer"}}}


def _operation_ids(routes: list[Route]) -> list[str]:
    seen = Counter(route.handler.__name__ for route in routes)
    names: list[str] = []
    for route in routes:
        name = route.handler.__name__
        name = name if seen[name] == 1 else f"{name}_{route.method.lower()}"
        twins = sum(other == name or other.startswith(f"{name}_") for other in names)
        names.append(f"{name}_{twins + 1}" if name in names else name)
    return names
