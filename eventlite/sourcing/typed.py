"""Dataclasses, pydantic models and msgspec Structs as events, and back.

The command of an event is the class attribute `cmd`, or else the name of the class; its version is the class attribute
`version`, or else 1. A field of that name is no class attribute.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import lru_cache
from typing import Any, NamedTuple, TypeVar

from eventlite.errors import InvalidEventError, shown
from eventlite.event import Event, NewEvent
from eventlite.jsontext import decode_object, encode_object, refuse_not_finite

_T = TypeVar("_T")

#: Fields at fault that an error names.
_MAX_NAMED = 5


class Shape(NamedTuple):
    """A class as events of it are written and read."""

    cmd: str
    version: int
    #: The object as what JSON knows.
    dump: Callable[[Any], Any]
    #: The object of a JSON text; raises `InvalidEventError` that names the field.
    load: Callable[[str], Any]


def to_event(value: object, **others: Any) -> NewEvent:
    """An event whose data are the fields of the object; `others` are further arguments of `NewEvent`.

    Raises `InvalidEventError` that names the field when what is written could not be read again as that class.
    """
    shape = shape_of(type(value))
    text = encode_object(_dumped(shape, value), type(value).__name__)
    shape.load(text)
    return NewEvent(shape.cmd, decode_object(text), version=shape.version, **others)


def from_event(event: Event, cls: type[_T]) -> _T:
    """The object of an event. Raises `InvalidEventError` that names the field, or if it is no event of that class."""
    shape = shape_of(cls)
    if (event.cmd, event.version) != (shape.cmd, shape.version):
        raise InvalidEventError(
            f"event {event.id} is {event.cmd!r} of version {event.version}; "
            f"{cls.__name__} is {shape.cmd!r} of version {shape.version}",
            hint="Register an upcaster for older versions with kernel.upcast.",
        )
    try:
        found: _T = shape.load(encode_object(event.data, "data"))
    except InvalidEventError as error:
        raise InvalidEventError(f"event {event.id} cannot be read: {error.message}") from error
    return found


def shape_of(cls: Any) -> Shape:
    """How events of a class are written and read. Raises `InvalidEventError` for a class that is none of the three."""
    return _known_shape(cls)


@lru_cache(1024)
def _known_shape(cls: Any) -> Shape:
    if hasattr(cls, "__struct_fields__"):
        return _struct(cls)
    if is_dataclass(cls):
        return _validated(cls, {field.name for field in fields(cls)})
    if hasattr(cls, "model_fields") and hasattr(cls, "model_validate"):
        return _validated(cls, set(cls.model_fields))
    raise InvalidEventError(
        f"{shown(cls)} cannot be the class of an event",
        hint="Use a dataclass, a pydantic model or a msgspec Struct.",
    )


def _dumped(shape: Shape, value: object) -> Any:
    try:
        return shape.dump(value)
    except InvalidEventError:
        raise
    except (TypeError, ValueError) as error:  # what both libraries raise for a value that they cannot write
        raise InvalidEventError(f"{type(value).__name__} cannot be written as JSON: {error}") from error


def _named(cls: type, own: set[str]) -> tuple[str, int]:
    cmd = cls.__name__ if "cmd" in own else getattr(cls, "cmd", cls.__name__)
    return cmd, 1 if "version" in own else getattr(cls, "version", 1)


def _validated(cls: Any, own: set[str]) -> Shape:
    """A dataclass or a model, by pydantic."""
    from pydantic import TypeAdapter, ValidationError
    from pydantic.errors import PydanticUserError

    try:
        adapter: TypeAdapter[Any] = TypeAdapter(cls)
    except PydanticUserError as error:
        raise InvalidEventError(f"{cls.__name__} cannot be the class of an event: {error}") from error

    def load(text: str) -> Any:
        try:
            return adapter.validate_json(text)
        except ValidationError as error:
            faults = error.errors(include_url=False, include_input=False)[:_MAX_NAMED]
            raise InvalidEventError("; ".join(_fault(cls, each["loc"], each["msg"]) for each in faults)) from error

    def dump(value: object) -> Any:
        refuse_not_finite(adapter.dump_python(value, warnings=False), cls.__name__)  # as JSON they would be None
        return adapter.dump_python(value, mode="json", by_alias=True, warnings=False)

    return Shape(*_named(cls, own), dump, load)


def _fault(cls: type, place: tuple[int | str, ...], message: str) -> str:
    return f"{'.'.join([cls.__name__, *map(str, place)])}: {message}"


def _struct(cls: Any) -> Shape:
    """A msgspec Struct."""
    import msgspec

    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(cls)

    def load(text: str) -> Any:
        try:
            return decoder.decode(text)
        except msgspec.ValidationError as error:
            message, _, place = str(error).partition(" - at `$.")
            raise InvalidEventError(_fault(cls, (place.rstrip("`"),) if place else (), message)) from error

    return Shape(*_named(cls, set(cls.__struct_fields__)), msgspec.to_builtins, load)
