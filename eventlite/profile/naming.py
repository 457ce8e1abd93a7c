"""From the name or path of a profile to its file."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from eventlite.errors import closest, did_you_mean
from eventlite.profile.model import DEFAULT_PROFILE, Origin
from eventlite.profile.problems import Problem, refusal

#: The environment variable that names a profile.
VARIABLE = "EVENTLITE_PROFILE"

_SEPARATORS = tuple(filter(None, {"/", os.sep, os.altsep}))


def builtin_profiles() -> list[str]:
    """The names of the profiles that come with EventLite, in alphabetical order."""
    return sorted(path.stem for path in builtin_folder().glob("*.toml"))


def builtin_folder() -> Path:
    """Where they are: inside the installed package, or in the checkout that it is used from."""
    package = Path(str(files("eventlite")))
    installed = package / "_profiles"
    return installed if installed.is_dir() else package.parent / "profiles"


def builtin_name(path: str | Path) -> str | None:
    """The name of the built-in profile that a file is, or None."""
    path = Path(path)
    return path.stem if path.suffix == ".toml" and path.parent == builtin_folder() else None


def chosen_file(profile: str | Path | None, environ: Mapping[str, str]) -> Path:
    """The file of the profile that is named, or else of the one that the environment names, or else of the default."""
    if profile is not None:
        return locate(profile, Path(), Problem(Origin("argument", "profile"), "", ""))
    name = next((text for variable, text in environ.items() if variable.upper() == VARIABLE and text), None)
    if name is not None:
        return locate(name, Path(), Problem(Origin("environment", VARIABLE), "", ""))
    return locate(DEFAULT_PROFILE, Path(), Problem(Origin("default", "the default profile"), "", ""))


def locate(profile: str | Path, folder: Path, asked: Problem) -> Path:
    """The file of a built-in name, or of a path that is relative to `folder`.

    `asked` says in the error where the name stands. Raises `ProfileError` with what may have been meant.
    """
    if _is_path(profile):
        return _existing(folder / _expanded(profile), asked)
    if profile in builtin_profiles():
        return builtin_folder() / f"{profile}.toml"
    raise refusal([asked._replace(what=f"no profile is named {profile!r}", hint=_meant(str(profile)))])


def _is_path(profile: str | Path) -> bool:
    return isinstance(profile, Path) or profile.endswith(".toml") or any(mark in profile for mark in _SEPARATORS)


def _expanded(profile: str | Path) -> Path:
    try:
        return Path(profile).expanduser()
    except RuntimeError:  # there is no such user: then it is a folder of that name
        return Path(profile)


def _existing(path: Path, asked: Problem) -> Path:
    try:
        if path.exists():
            return path
        nearby = sorted(other.name for other in path.parent.glob("*.toml"))
    except (OSError, ValueError) as error:
        raise refusal([asked._replace(what=f"{str(path)!r} cannot be looked up: {error}")]) from None
    raise refusal([asked._replace(what=f"there is no file {str(path)!r}", hint=_nearby(path.name, nearby))])


def _nearby(name: str, files_there: list[str]) -> str:
    known = {**{name: name for name in builtin_profiles()}, **{Path(file).stem: file for file in files_there}}
    meant = closest(Path(name).stem.lower(), known)  # without the suffix, which is alike in all of them
    return f"Did you mean {known[meant]!r}?" if meant else f"Profiles there: {', '.join(files_there) or 'none'}."


def _meant(name: str) -> str:
    meant = did_you_mean(name.lower(), builtin_profiles())
    listed = f"Built in: {', '.join(builtin_profiles())}. A file is named by its path, such as ./app.toml"
    return f"{meant} {listed}" if meant else listed
