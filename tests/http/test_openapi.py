from typing import Any

import jsonschema_rs
import msgspec

from koine.http.openapi import document
from tests.http.example_dialect import ExampleDialect, client, routes


def example_document() -> Any:
    return msgspec.json.decode(msgspec.json.encode(document(ExampleDialect(), "https://a.test")))


def test_every_shown_route_is_there_and_no_hidden_one() -> None:
    paths = example_document()["paths"]
    shown = {(r.path, r.method.lower()) for r in routes if not r.hidden}
    assert {(path, method) for path, methods in paths.items() for method in methods} == shown


def test_operation_ids_are_unique() -> None:
    operations = [o for methods in example_document()["paths"].values() for o in methods.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(ids) == len(set(ids))
    assert {"change_put", "change_patch", "greet"} <= set(ids)


def test_the_docstring_is_the_summary_and_description_without_marks_of_source() -> None:
    greet = example_document()["paths"]["/tiny/things/{id}"]["post"]
    assert (greet["summary"], greet["description"]) == ("Greet a thing", "It is polite.")


def test_a_query_field_is_a_parameter() -> None:
    listed = example_document()["paths"]["/tiny/things"]["get"]["parameters"]
    by_name = {parameter["name"]: parameter for parameter in listed}
    assert by_name["page"]["schema"] == {
        "type": "integer",
        "minimum": 1,
        "maximum": 100,
        "default": 1,
    }
    assert by_name["ids"]["explode"] is True
    assert by_name["ids"]["schema"]["type"] == "array"
    assert set(by_name["status"]["schema"]["enum"]) == {"open", "closed"}


def test_a_path_parameter_has_its_type() -> None:
    (parameter,) = example_document()["paths"]["/tiny/things/{id}"]["put"]["parameters"]
    assert parameter["schema"] == {"type": "string", "format": "uuid"}


def test_a_body_is_required_when_a_field_is() -> None:
    path = example_document()["paths"]["/tiny/things/{id}"]
    assert path["post"]["requestBody"]["required"] is True
    assert path["patch"]["requestBody"]["required"] is False


def test_a_forms_route_takes_three_types_and_files() -> None:
    content = example_document()["paths"]["/tiny/forms"]["post"]["requestBody"]["content"]
    assert len(content) == 3
    fields = content["multipart/form-data"]["schema"]["properties"]
    assert fields["attachments[]"]["items"] == {"type": "string", "format": "binary"}


def test_statuses_have_the_types_of_the_wire() -> None:
    responses = example_document()["paths"]["/tiny/things/{id}"]["post"]["responses"]
    refs = {
        status: response["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[-1]
        for status, response in responses.items()
    }
    assert refs["201"] == refs["200"] == "Seen"
    assert refs["422"] == "Problem"


def test_public_routes_need_no_credential() -> None:
    paths = example_document()["paths"]
    assert paths["/tiny/where"]["get"]["security"] == []
    assert paths["/tiny/things"]["get"]["security"] == [{"bearer": []}]


def test_every_reference_resolves() -> None:
    doc = example_document()
    found = set(_refs(doc))
    known = {f"#/components/schemas/{name}" for name in doc["components"]["schemas"]}
    assert found == known


def test_the_schemas_are_valid() -> None:
    for schema in example_document()["components"]["schemas"].values():
        jsonschema_rs.meta.validate(schema)


async def test_documents_are_served_and_listed() -> None:
    listed = (await client().get("/openapi.json")).json()["documents"]
    assert [item["name"] for item in listed] == ["tiny", "chats"]
    for item in listed:
        assert (await client().get(item["url"])).json()["openapi"] == "3.1.0"
    bare = await client().get("/openapi")
    assert bare.json() == (await client().get("/openapi/chats.json")).json()


def _refs(node: object) -> list[str]:
    if isinstance(node, list):
        return [ref for item in node for ref in _refs(item)]
    if not isinstance(node, dict):
        return []
    own_refs = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own_refs + [ref for value in node.values() for ref in _refs(value)]
