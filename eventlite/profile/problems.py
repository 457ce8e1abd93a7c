"""What is wrong with a profile, and one error that says all of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from eventlite.errors import ProfileError
from eventlite.profile.model import Origin


class Problem(NamedTuple):
    """One thing that is wrong: where it was written, the dotted key, what is wrong with it, how to mend it."""

    origin: Origin
    key: str
    what: str
    hint: str | None = None

    def __str__(self) -> str:
        key = self.key if self.key.isprintable() else repr(self.key)
        return ": ".join(part for part in (str(self.origin), key, self.what) if part)


def refusal(problems: Sequence[Problem]) -> ProfileError:
    """One error for all problems, at least one."""
    if len(problems) == 1:
        return ProfileError(str(problems[0]), hint=problems[0].hint)
    lines = [str(problem) if problem.hint is None else f"{problem}. {problem.hint}" for problem in problems]
    return ProfileError("\n  ".join([f"{len(problems)} settings cannot be used:", *lines]))
