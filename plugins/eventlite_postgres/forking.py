"""A forked child must not touch its parent's connections: two processes would speak on one."""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Inheritable(Protocol):
    """What a child may find open."""

    def abandon(self) -> None:
        """Refuse all work from now on, and close nothing."""


_owners: weakref.WeakSet[Inheritable] = weakref.WeakSet()


def watch(owner: Inheritable) -> None:
    """Have `abandon` called in forked children."""
    _owners.add(owner)


def _after_fork_in_child() -> None:
    for owner in list(_owners):
        owner.abandon()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
