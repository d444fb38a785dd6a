"""JSON Schemas of the dialect's Structs, shared by all operations of one document."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from koine.kit.json import MAX_NUMBER

Json = dict[str, object]
_REF = "#/components/schemas/"


class Schemas:
    """The schemas of a set of types; each Struct is one named component."""

    def __init__(self, types: Iterable[type]) -> None:
        """Raises TypeError when a type has no JSON Schema."""
        kinds = list(types)
        schemas, components = msgspec.json.schema_components(
            kinds, schema_hook=_hook, ref_template=_REF + "{name}"
        )
        self._by_type: dict[object, Json] = dict(zip(kinds, schemas, strict=True))
        self._components: dict[str, Json] = components
        _bound_integers([schemas, components])
        self._used: set[str] = set()

    def of(self, kind: type) -> Json:
        """Give the schema of a type: a reference for a Struct."""
        schema = self._by_type[kind]
        self._use(schema)
        return schema

    def fields(self, struct: type) -> tuple[dict[str, Json], list[str]]:
        """Give a Struct's properties by wire name, and the required names."""
        schema = self._components[str(self._by_type[struct]["$ref"]).removeprefix(_REF)]
        properties: dict[str, Json] = schema.get("properties", {})  # type: ignore[assignment]  # by JSON Schema
        required: list[str] = schema.get("required", [])  # type: ignore[assignment]  # by JSON Schema
        self._use(properties)
        return properties, required

    def components(self) -> dict[str, Json]:
        """Give the components that are referenced, by name."""
        return {name: self._components[name] for name in sorted(self._used)}

    def _use(self, schema: object) -> None:
        if isinstance(schema, list):
            for item in schema:
                self._use(item)
        if not isinstance(schema, dict):
            return
        for key, value in schema.items():
            name = value.removeprefix(_REF) if key == "$ref" and isinstance(value, str) else None
            if name is None:
                self._use(value)
            elif name not in self._used:
                self._used.add(name)
                self._use(self._components[name])


def without_null(schema: Json) -> Json:
    """Give a schema that does not take null: a query parameter cannot be null."""
    options = schema.get("anyOf")
    rest = {k: v for k, v in schema.items() if k not in ("anyOf", "enum", "default")}
    if isinstance(options, list):
        kept = [option for option in options if option != {"type": "null"}]
        rest |= kept[0] if len(kept) == 1 else {"anyOf": kept}
    if isinstance(schema.get("enum"), list):
        rest["enum"] = [value for value in schema["enum"] if value is not None]  # type: ignore[attr-defined]  # a list
    if schema.get("default") is not None:
        rest["default"] = schema["default"]
    return rest


def _bound_integers(schema: object) -> None:
    # The bounds of the JSON reader (kit/json.py): beyond 2^53 JavaScript clients lose digits.
    if isinstance(schema, list | tuple):
        for item in schema:
            _bound_integers(item)
    elif isinstance(schema, dict):
        if schema.get("type") == "integer":
            if "exclusiveMinimum" not in schema:
                schema.setdefault("minimum", -MAX_NUMBER)
            if "exclusiveMaximum" not in schema:
                schema.setdefault("maximum", MAX_NUMBER)
        for item in schema.values():
            _bound_integers(item)


def _hook(kind: type) -> Json:
    if kind is object or kind is msgspec.Raw:
        return {"description": "Any JSON value."}
    raise NotImplementedError
