"""From the engine's erasures to those of the API. Pure."""

from typing import Literal

from msgspec import UNSET, structs

from koine.dialects.native import fields
from koine.dialects.native.personal_data import schemas
from koine.engine.personal_data.erasure import counts_of
from koine.kit.times import iso_ms
from koine.model.personal_data import Erasure


def render_erasure(e: Erasure, similar: list[str] | None = None) -> schemas.Erasure:
    """An erasure, in the response that began it with `similar` people."""
    return schemas.Erasure(
        id=e.id,
        kind=e.kind,
        messages=e.messages,
        status=_status(e),
        merged_ids=e.ids[1:],
        requested_at=iso_ms(e.requested_at),
        erased_at=fields.render_time(e.erased_at),
        checked_at=fields.render_time(e.checked_at),
        counts=schemas.ErasedCounts(**structs.asdict(counts_of(e))),
        similar_ids=UNSET if similar is None else similar,
    )


def _status(e: Erasure) -> Literal["running", "done", "checked"]:
    if e.erased_at is None:
        return "running"
    return "done" if e.checked_at is None else "checked"
