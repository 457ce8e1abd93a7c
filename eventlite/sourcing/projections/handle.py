"""A projection of one kernel: reading its state, and where it stands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eventlite.errors import ProjectionError
from eventlite.sourcing.consumer import Consumer, find
from eventlite.sourcing.projections.book import change, reaction_name, standing
from eventlite.sourcing.projections.snapshotting import subject_name
from eventlite.sourcing.snapshots import taken_at

if TYPE_CHECKING:
    from eventlite.contracts.host import Host
    from eventlite.sourcing.projection import Projection
    from eventlite.sourcing.projections.model import Model, View


class ProjectionHandle:
    """What `kernel.project` returns. `mode` is "inline" or "follow"."""

    def __init__(self, host: Host, projection: Projection, model: Model | None, mode: str) -> None:
        self._host = host
        self.projection = projection
        self.model = model
        self.mode = mode
        self._live = None if model is None else model.read(host, self._place)

    @property
    def name(self) -> str:
        """The projection's name."""
        return self.projection.name

    @property
    def state(self) -> Any:
        """The latest committed state: a mapping, tables to `query`, or your own object."""
        return self.projection.into if self.model is None else self._live

    def query(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows that a SELECT finds, with names of tables in braces and `?` for each value.

        Raises `ProjectionError` if the state is not in tables.
        """
        if not self.projection.tables:
            raise ProjectionError(f"projection {self.name!r} keeps no tables", hint="Read its `state`.")
        return self.state.query(statement, parameters)  # type: ignore[no-any-return]

    @property
    def position(self) -> int:
        """The id of the last event that is in the state."""
        return self._standing().position

    @property
    def lag(self) -> int:
        """By how many positions it is behind."""
        return max(0, self._host.storage.head() - self.position)

    @property
    def paused(self) -> bool:
        """Whether it was stopped, by hand or by an error."""
        return self._standing().paused

    @property
    def error(self) -> str | None:
        """What stopped it, as "Type: text"; what stopped its reactions, if those are stopped."""
        return self._standing().error or self._reactions().error

    @property
    def error_position(self) -> int | None:
        """The id of the event that stopped it."""
        return self._standing().error_position or self._reactions().error_position

    @property
    def snapshots(self) -> list[int]:
        """The positions of which there are snapshots, in order."""
        with self._host.storage.snapshot() as snapshot:
            return list(taken_at(snapshot.state, subject_name(self.name)))

    def pause(self) -> None:
        """Stop following, in every process. An inline projection goes on: an append would not be whole without it."""
        self._change(paused=True)

    def resume(self) -> None:
        """Go on, with the event that stopped it."""
        self._change(paused=False, error=None, error_position=None)

    def _change(self, **changes: Any) -> None:
        with self._host.transaction() as transaction:
            change(transaction.state, self.name, **changes)

    def _standing(self) -> Consumer:
        with self._host.storage.snapshot() as snapshot:
            return standing(snapshot.state, self.name)

    def _reactions(self) -> Consumer:
        name = reaction_name(self.name)
        with self._host.storage.snapshot() as snapshot:
            return find(snapshot.state, name) or Consumer(name)

    def _place(self, view: View) -> str:
        assert self.model is not None
        return self.model.live(standing(view.state, self.name).generation)

    def __repr__(self) -> str:
        return f"<ProjectionHandle {self.name} {self.mode}>"
