"""From a name to a `Profile`: find the file, follow what it extends, lay everything over one another."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any

from eventlite.profile.arguments import argument_tree
from eventlite.profile.environment import environment_tree
from eventlite.profile.merging import defaults, merged
from eventlite.profile.model import SECTIONS, Origin, Profile, nearest, origins_of, plain
from eventlite.profile.naming import builtin_name, chosen_file, locate
from eventlite.profile.problems import Problem, refusal
from eventlite.profile.reading import Document, checked_document, read_document
from eventlite.profile.validating import examined, header_section


def load_profile(
    profile: str | Path | None = None,
    overrides: Mapping[str, Mapping[str, Any]] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Profile:
    """The profile of that name or path, or else the one that EVENTLITE_PROFILE names, or else `balanced`.

    `overrides` are settings by section and name, `environ` stands in for `os.environ`. The plugins' own settings are
    checked later, by `validated`. Raises `ProfileError` that names the file (or variable, or argument) and dotted key.
    """
    environ = os.environ if environ is None else environ
    return _assembled(read_document(chosen_file(profile, environ)), overrides or {}, environ)


def profile_from(content: Mapping[str, Any], path: Path, environ: Mapping[str, str]) -> Profile:
    """The profile that a file at `path` would be if it held `content`. Raises `ProfileError` as `load_profile` does."""
    return _assembled(checked_document(path, content), {}, environ)


def _assembled(document: Document, overrides: Mapping[str, Mapping[str, Any]], environ: Mapping[str, str]) -> Profile:
    """The profile that a document makes with what it extends, the environment and the overrides."""
    ancestors = _ancestors(document)
    layers = [older.tree for older in reversed([document, *ancestors])]
    tree = reduce(merged, [defaults(), *layers, environment_tree(environ), argument_tree(overrides)])
    values, origins = plain(tree), origins_of(tree)
    section = header_section(lambda key: nearest(origins, key))
    header = examined(section, values["profile"])
    if header is None:
        raise refusal(section.problems)
    return Profile(
        name=document.name,
        description=document.description,
        extends=tuple(_shown(older) for older in ancestors),
        extensions=tuple(header.extensions),
        verify_reads=header.verify_reads,
        sections={section: values[section] for section in SECTIONS},
        origins=origins,
        environ=environ,
    )


def _ancestors(document: Document) -> list[Document]:
    """What a document extends, the nearest first. Raises `ProfileError` for a circle."""
    chain = [document]
    while chain[-1].extends is not None:
        parent = locate(chain[-1].extends, chain[-1].path.parent, _asked(chain[-1]))
        if any(parent.resolve() == known.path.resolve() for known in chain):
            raise _circle(chain, parent)
        chain.append(read_document(parent))
    return chain[1:]


def _circle(chain: list[Document], parent: Path) -> Exception:
    names = " -> ".join([*(str(known.path) for known in chain), str(parent)])
    return refusal([_asked(chain[-1])._replace(what=f"the profiles extend one another in a circle: {names}")])


def _asked(document: Document) -> Problem:
    return Problem(Origin("file", str(document.path)), "profile.extends", "")


def _shown(document: Document) -> str:
    """A built-in profile by its name, another one by its path."""
    return builtin_name(document.path) or str(document.path)
