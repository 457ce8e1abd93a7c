"""What a loaded profile is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

#: The profile that is used when none is named.
DEFAULT_PROFILE = "balanced"

#: The sections that belong to plugins, and the plugin of each when no profile names one.
DEFAULT_PLUGINS: Mapping[str, str] = {
    "storage": "sqlite",
    "indexing": "declared",
    "caching": "dogpile",
    "bulk": "files",
    "jobs": "durable",
}

#: The names of those sections.
SECTIONS = tuple(DEFAULT_PLUGINS)

#: Settings of `[profile]` that are inherited, and that the environment and keyword arguments may set.
INHERITED = ("extensions", "verify_reads")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a setting comes from; `where` is the keyword argument, the environment variable or the file."""

    kind: Literal["argument", "environment", "file", "default"]
    where: str

    def __str__(self) -> str:
        words = {"argument": "keyword argument ", "environment": "environment variable "}
        return words.get(self.kind, "") + self.where


#: Of whatever neither a profile nor a person has set.
DEFAULT = Origin("default", "default")


class Setting(NamedTuple):
    """A value as it was given, and where; a list is one value, a table is a `Tree`."""

    value: Any
    origin: Origin


#: Settings by name; a table is a tree of its own.
Tree: TypeAlias = dict[str, "Setting | Tree"]


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile with everything that it inherits and that overrides it.

    `extends` is the chain of what it is built on, the nearest first. `sections` holds each section's values as they
    were given: a reference to a secret is not followed, and what the environment says is text. `origins` says by dotted
    key (`storage.path`) where each of them comes from.
    """

    name: str
    description: str
    extends: tuple[str, ...]
    extensions: tuple[str, ...]
    verify_reads: bool
    #: Not shown, since people do write secrets into profiles.
    sections: Mapping[str, Mapping[str, Any]] = field(repr=False)
    origins: Mapping[str, Origin] = field(repr=False)
    #: Where references to secrets are looked up, when they are needed.
    environ: Mapping[str, str] = field(repr=False, compare=False)

    def origin(self, key: str) -> Origin:
        """Where the setting of that dotted key comes from, or else what is nearest to it."""
        return nearest(self.origins, key)


def nearest(origins: Mapping[str, Origin], key: str) -> Origin:
    """The origin of a key, of something inside it, or of what it is inside of."""
    while key:
        inside = (origin for other, origin in origins.items() if other.startswith(f"{key}."))
        found = origins.get(key) or origins.get(f"{key}.plugin") or next(inside, None)
        if found:
            return found
        key = key.rpartition(".")[0]
    return DEFAULT


def plain(tree: Tree) -> dict[str, Any]:
    """The values of a tree without their origins."""
    return {key: part.value if isinstance(part, Setting) else plain(part) for key, part in tree.items()}


def origins_of(tree: Tree, prefix: str = "") -> dict[str, Origin]:
    """The origins of a tree's values by dotted key."""
    found: dict[str, Origin] = {}
    for key, part in tree.items():
        inner = {f"{prefix}{key}": part.origin} if isinstance(part, Setting) else origins_of(part, f"{prefix}{key}.")
        found.update(inner)
    return found
