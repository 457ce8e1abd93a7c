"""The projections of one kernel."""

from __future__ import annotations

import datetime as dt
import logging
from typing import TYPE_CHECKING, Any

from eventlite.errors import ConflictError, ProjectionError, did_you_mean, shown
from eventlite.query import check_position, check_reached
from eventlite.sourcing.consumer import register, store
from eventlite.sourcing.projection import Projection
from eventlite.sourcing.projections import rebuilding
from eventlite.sourcing.projections.book import OBJECT, describe, description, enrol, reaction_name, standing
from eventlite.sourcing.projections.choosing import model_of
from eventlite.sourcing.projections.following import ProjectionFollower
from eventlite.sourcing.projections.handle import ProjectionHandle
from eventlite.sourcing.projections.inline import InlineProjection
from eventlite.sourcing.projections.model import Model
from eventlite.sourcing.projections.outside import object_follower, reaction_follower
from eventlite.sourcing.projections.rebuilding import Progress
from eventlite.sourcing.projections.removing import delete, discard_records, drop_tables
from eventlite.sourcing.projections.replaying import refill, state_at
from eventlite.sourcing.projections.report import Digest, ProjectionReport
from eventlite.sourcing.projections.snapshotting import SnapshotFollower

if TYPE_CHECKING:
    from eventlite.contracts.host import Host
    from eventlite.sourcing.sourcing import Sourcing

#: How a projection is kept up to date: inside the transaction of every append, or behind it.
MODES = ("inline", "follow")


class Projections:
    """The projections of one kernel, by name."""

    def __init__(self, host: Host, sourcing: Sourcing) -> None:
        self._host = host
        self._sourcing = sourcing
        self._handles: dict[str, ProjectionHandle] = {}

    def project(self, projection: Projection, mode: str, react_after: int | None) -> ProjectionHandle:
        """Keep a projection up to date from now on; see `Kernel.project`."""
        _check(projection, mode)
        self._check_start(react_after)
        known = self._handles.get(projection.name)
        if known is not None:
            return self._known(known, projection, mode)
        model = self._model(projection)
        mode = self._possible(projection, model, mode)
        enrol(self._host, projection.name, model, mode)
        handle = ProjectionHandle(self._host, projection, model, mode)
        self._start(handle)
        if projection.snapshots is not None and model is not None:
            self._sourcing.add(SnapshotFollower(self._host, projection, model, projection.snapshots))
        self._follow_reactions(handle, react_after)
        self._handles[projection.name] = projection.handle = handle
        return handle

    def rebuild(self, which: str | Projection, progress: Progress | None) -> ProjectionReport:
        """Build the state anew, compare and swap; see `Kernel.rebuild`."""
        projection = self._find(which)
        handle, model = self._handles.get(projection.name), self._model(projection)
        if model is None:
            return self._rebuild_object(projection)
        mode = handle.mode if handle else "follow"
        return rebuilding.rebuild(self._host, projection, model, mode=mode, progress=progress)

    def verify(self, which: str | Projection, progress: Progress | None) -> ProjectionReport:
        """Build the state anew and compare; see `Kernel.verify_projection`."""
        projection = self._find(which)
        model = self._model(projection)
        if model is None:
            raise ProjectionError(f"projection {projection.name!r} fills an object, which cannot be compared")
        return rebuilding.verify(self._host, projection, model, progress=progress)

    def at(self, which: str | Projection, at: int | dt.datetime) -> Any:
        """The state as it was; see `Kernel.project_at`."""
        projection = self._find(which)
        return state_at(self._host, projection, self._model(projection), at)

    def delete(self, name: str) -> None:
        """Forget a projection and its state; see `Kernel.delete_projection`."""
        if not isinstance(name, str):
            raise ProjectionError(f"the name of a projection is a text, not {shown(name)}")
        if name in self._handles:
            raise ConflictError(
                f"this kernel keeps projection {name!r} up to date",
                hint="Delete it with a kernel that does not project it, such as `eventlite projections delete`.",
            )
        delete(self._host, name)

    def names(self) -> list[str]:
        """The names of those that this kernel has."""
        return list(self._handles)

    def handle(self, name: str) -> ProjectionHandle:
        """The handle of one of them."""
        return self._handles[name]

    def _check_start(self, react_after: int | None) -> None:
        if react_after is None:
            return
        check_position(react_after, "react_after")
        check_reached(react_after, self._host.storage.head(), "react_after")

    def _known(self, known: ProjectionHandle, projection: Projection, mode: str) -> ProjectionHandle:
        if known.projection is projection and mode in (known.mode, self._possible(projection, known.model, mode)):
            return known
        raise ProjectionError(f"this kernel has a projection {projection.name!r} already, {known.mode}")

    def _model(self, projection: Projection) -> Model | None:
        return model_of(projection, self._host.storage.capabilities.sql)

    def _possible(self, projection: Projection, model: Model | None, mode: str) -> str:
        if mode == "follow":
            return mode
        if model is None:
            raise ProjectionError(
                f"projection {projection.name!r} cannot be inline: its state is an object outside of the store",
                hint='Use mode="follow", or leave out `into` and `factory`.',
            )
        if not self._host.storage.capabilities.transactional:
            text = "projection %r follows: this storage runs no handlers in the transaction of an append"
            logging.getLogger("eventlite").warning(text, projection.name)
            return "follow"
        return mode

    def _start(self, handle: ProjectionHandle) -> None:
        if handle.model is None:
            self._sourcing.add(object_follower(self._host, handle.projection))
        elif handle.mode == "follow":
            self._sourcing.add(ProjectionFollower(self._host, handle.projection, handle.model))
        else:
            inline = InlineProjection(self._host, handle.projection, handle.model)
            while inline.catch_up():
                pass  # what comes meanwhile is caught up with in the next append
            self._host.inside_appends(inline)

    def _follow_reactions(self, handle: ProjectionHandle, react_after: int | None) -> None:
        projection = handle.projection
        if not projection.reactions and not projection.reaction_fallback:
            return
        start = self._host.storage.head() if react_after is None else react_after
        found = register(self._host, reaction_name(projection.name), start)
        if found.error is not None:
            handle.resume()
        self._sourcing.add(reaction_follower(self._host, projection))

    def _find(self, which: str | Projection) -> Projection:
        if isinstance(which, Projection):
            _check_handlers(which)
            return which
        if which in self._handles:
            return self._handles[which].projection
        raise ProjectionError(
            f"this kernel has no projection {shown(which)}",
            hint=did_you_mean(which, self._handles)
            or "Call kernel.project(projection) first, or hand over the projection itself.",
        )

    def _rebuild_object(self, projection: Projection) -> ProjectionReport:
        """Replay into a new object, and go on with that; a state that was kept in the store goes."""
        fresh, end = refill(self._host, projection)
        with self._host.transaction() as transaction:
            live, old = standing(transaction.state, projection.name), description(transaction.state, projection.name)
            drop_tables(transaction, old)
            describe(transaction.state, projection.name, OBJECT, "follow")
            store(transaction.state, rebuilding.settled(live, position=end))
        discard_records(self._host, projection.name, old, live.generation)
        projection.into = fresh
        nothing = Digest(0, "")
        return ProjectionReport(projection.name, end, end, nothing, nothing, swapped=True)


def _check(projection: object, mode: object) -> None:
    if not isinstance(projection, Projection):
        raise ProjectionError(f"expected a Projection, not {shown(projection)}", hint='Projection("orders").')
    if mode not in MODES:
        raise ProjectionError(f"a projection's mode is {' or '.join(map(repr, MODES))}, not {shown(mode)}")
    _check_handlers(projection)


def _check_handlers(projection: Projection) -> None:
    if not projection.handlers and not projection.fallback:
        raise ProjectionError(
            f"projection {projection.name!r} handles nothing",
            hint='Give it functions with @projection.on("orderPlaced").',
        )
