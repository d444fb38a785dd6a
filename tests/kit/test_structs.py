from msgspec import UNSET, Struct, UnsetType

from koine.kit.structs import provided_fields


class Changes(Struct):
    name: str | UnsetType = UNSET
    email: str | None | UnsetType = UNSET
    labels: list[str] | UnsetType = UNSET


def test_what_is_unset_is_not_given_and_null_is() -> None:
    assert provided_fields(Changes(email=None, labels=[])) == {"email": None, "labels": []}
    assert provided_fields(Changes()) == {}
