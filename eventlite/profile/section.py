"""The values of one section on their way into a model: references followed, text from the environment read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from eventlite.profile.decoding import decoded
from eventlite.profile.model import Origin
from eventlite.profile.problems import Problem
from eventlite.profile.redaction import looks_secret
from eventlite.profile.references import is_reference

if TYPE_CHECKING:
    from pydantic import BaseModel

#: Where a value is inside its section; a number stands for an item of a list.
Path: TypeAlias = tuple[str | int, ...]

Model = TypeVar("Model", bound="BaseModel")


@dataclass
class Section(Generic[Model]):
    """A section, its model, and what was learnt about its values; `owner` says whose settings they are."""

    name: str
    owner: str
    model: type[Model]
    origin: Callable[[str], Origin]
    #: Where references are looked up; None where there can be none.
    environ: Mapping[str, str] | None = field(default=None, repr=False)
    problems: list[Problem] = field(default_factory=list)
    #: Values that must not be shown, and where they are.
    secrets: list[str] = field(default_factory=list, repr=False)
    hidden: set[Path] = field(default_factory=set)
    #: Where the value was given as text that may mean something else, such as a number.
    texts: set[Path] = field(default_factory=set)
    #: Where there is no value to go on with.
    failed: set[Path] = field(default_factory=set)

    def key(self, path: Path) -> str:
        """The dotted key of a value."""
        return ".".join([self.name, *map(str, path)])

    def value(self, given: Any, path: Path) -> Any:
        """What a value that was given stands for; problems are noted."""
        if is_reference(given) and self.environ is not None:
            return self._followed(given["env"], self.environ, path)
        if isinstance(given, Mapping):
            return {key: self.value(part, (*path, key)) for key, part in given.items()}
        if isinstance(given, list | tuple):
            return [self.value(part, (*path, index)) for index, part in enumerate(given)]
        return self._text(given, path) if isinstance(given, str) else given

    def is_hidden(self, path: Path) -> bool:
        """Whether the value there must not be shown."""
        return within(path, self.hidden) or any(looks_secret(str(part)) for part in path)

    def _text(self, text: str, path: Path) -> Any:
        if self.is_hidden(path):
            self.secrets.append(text)
        from_environment = self.origin(self.key(path)).kind == "environment"
        return self._read(text, path) if from_environment else text

    def _followed(self, variable: str, environ: Mapping[str, str], path: Path) -> Any:
        text = environ.get(variable)
        if text is None:
            hint = f"Set {variable}, or give another value for {self.key(path)}."
            return self.fail(path, f"refers to the environment variable {variable}, which is not set", hint)
        self.hidden.add(path)
        self.secrets.append(text)
        return self._read(text, path)

    def _read(self, text: str, path: Path) -> Any:
        names = tuple(part for part in path if isinstance(part, str))
        self.texts.add(path)
        if len(names) < len(path) or any("__" in name for name in names):
            return text
        try:
            return decoded(text, names, self.model)
        except (ValueError, RecursionError):
            return self.fail(path, "should be JSON", 'For example ["a", "b"] for a list, {"a": 1} for a table.')

    def fail(self, path: Path, what: str, hint: str) -> None:
        """Note a problem with the value there; it is left out of all that follows."""
        self.failed.add(path)
        self.problems.append(Problem(self.origin(self.key(path)), self.key(path), what, hint))


def within(path: Path, places: set[Path]) -> bool:
    """Whether a path is one of the places, or inside of one."""
    return any(path[: len(place)] == place for place in places)
