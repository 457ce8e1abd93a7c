"""The `declared` policy: a store has the indexes that the profile names."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from eventlite import InvalidQueryError, hookimpl
from eventlite.contracts import INDEXES, Index, Indexing, Storage
from eventlite.errors import suggestion
from eventlite.query import data_path
from eventlite_indexing.policy import Policy

CONTRACT = 1


def _known(name: str) -> str:
    if name not in INDEXES:
        raise ValueError(f"unknown index {name!r}. {suggestion(name, INDEXES)}")
    return name


def _own(name: str) -> str:
    if not re.fullmatch("[a-z][a-z0-9_]{0,39}", name):
        raise ValueError(f"{name!r} must be a small letter, then at most 39 of a-z, 0-9 and _")
    if name in INDEXES:
        raise ValueError(f"{name!r} is the name of a built-in index; choose another")
    return name


def _inside_data(path: str) -> str:
    start, _, inside = path.partition(".")
    if start != "data" or not inside:
        raise ValueError(f"{path!r} must be a path inside the payload, such as 'data.order_id'")
    try:
        data_path(inside)
    except InvalidQueryError as error:
        raise ValueError(error.message) from None
    return path


class Settings(BaseModel):
    """`[indexing] plugin = "declared"`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    indexes: list[Annotated[str, AfterValidator(_known)]] = Field(
        default=["correlation_id", "causation_id"], description=f"Which of the eight: {', '.join(INDEXES)}."
    )
    paths: dict[Annotated[str, AfterValidator(_own)], Annotated[str, AfterValidator(_inside_data)]] = Field(
        default={}, description='Indexes of your own, a name for each path inside the payload: order = "data.order_id".'
    )


def _indexes(settings: Settings) -> list[Index]:
    own = (Index(name, path=data_path(path.removeprefix("data."))) for name, path in settings.paths.items())
    return [*(INDEXES[name] for name in dict.fromkeys(settings.indexes)), *own]


@hookimpl
def eventlite_make_indexing(settings: Settings, storage: Storage) -> Indexing | None:
    """Make the policy."""
    return Policy(storage, _indexes(settings))
