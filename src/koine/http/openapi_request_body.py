"""The request body of an operation: JSON, and the two form types where the route takes them."""

from __future__ import annotations

from koine.http.forms import MULTIPART, URLENCODED
from koine.http.openapi_schemas import Json, Schemas
from koine.http.route import Route


def request_body(route: Route, body: type, schemas: Schemas) -> Json:
    """Describe the body; it is required when one of its fields is."""
    content: Json = {"application/json": {"schema": schemas.of(body)}}
    try:
        properties, required = schemas.fields(body)
    except KeyError:
        return {"required": True, "content": content}
    if route.forms:
        form: Json = {"type": "object", "properties": properties, "required": required}
        content[URLENCODED] = {"schema": form, "encoding": _encoding(properties)}
        files = dict.fromkeys(route.files, _FILES)
        content[MULTIPART] = {"schema": form | {"properties": properties | _bracketed(files)}}
    return {"required": bool(required), "content": content}


_FILES: Json = {"type": "array", "items": {"type": "string", "format": "binary"}}


def _bracketed(files: dict[str, Json]) -> dict[str, Json]:
    return {f"{name}[]": schema for name, schema in files.items()}


def _encoding(properties: dict[str, Json]) -> Json:
    # Objects travel as "name[key]=value".
    nested = [name for name, schema in properties.items() if _may_be_object(schema)]
    return {name: {"style": "deepObject", "explode": True} for name in nested}


def _may_be_object(schema: Json) -> bool:
    kinds = schema.get("anyOf", [schema])
    return isinstance(kinds, list) and any(kind.get("type") == "object" for kind in kinds)
