"""What a storage may offer beyond its contract: hints that wake those who wait in other processes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class Announcing(Protocol):
    """A storage that passes hints on. One may be lost: whoever heeds them looks at the head now and then, too."""

    def heed(self, told: Callable[[], None]) -> Callable[[], None] | None:
        """From now on call `told()` after appends and announcements, of this process and of others.

        It may be called from any thread and returns at once. What is returned ends that; it is None if no hints come.
        """

    def announce(self, connection: Any) -> None:
        """Tell everybody once the transaction on `tx.connection` is committed, at most some times a second."""
