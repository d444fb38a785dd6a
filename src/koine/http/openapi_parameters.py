"""The parameters of an operation: path segments, and one per field of the query Struct."""

from __future__ import annotations

import re

from koine.http.openapi_schemas import Json, Schemas, without_null
from koine.http.route import Route

_NAME = re.compile(r"\{(\w+)\}")
_PATH_SCHEMAS: dict[str, Json] = {
    "uuid": {"type": "string", "format": "uuid"},
    "integer": {"type": "integer"},
    "string": {"type": "string", "minLength": 1},
}


def path_parameters(route: Route) -> list[Json]:
    """Give one required parameter per `{name}` of the path."""
    kinds = route.path_types or {}
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": _PATH_SCHEMAS[kinds.get(name, "string")],
        }
        for name in _NAME.findall(route.path)
    ]


def query_parameters(route: Route, schemas: Schemas) -> list[Json]:
    """Give one parameter per field; a list is a repeated name, an empty value counts as absent."""
    if route.query is None:
        return []
    properties, required = schemas.fields(route.query)
    return [_parameter(name, schema, name in required) for name, schema in properties.items()]


def _parameter(name: str, schema: Json, required: bool) -> Json:
    bare = without_null(schema)
    parameter: Json = {"name": name, "in": "query", "required": required, "schema": bare}
    if "description" in bare:
        parameter["description"] = bare["description"]
    if not required:
        parameter["allowEmptyValue"] = True
    if bare.get("type") == "array":
        parameter |= {"style": "form", "explode": True}
    return parameter
