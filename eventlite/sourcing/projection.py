"""What a projection is: a name, a function per command, and where its state is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, iscoroutinefunction, signature
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from eventlite.errors import ProjectionError, shown
from eventlite.event import Event
from eventlite.jsontext import is_unicode

if TYPE_CHECKING:
    from eventlite.sourcing.projections.handle import ProjectionHandle
    from eventlite.sourcing.snapshots import Snapshots

#: Called with each event and the state, which it changes.
Handler: TypeAlias = Callable[[Event, Any], Any]

_Function = TypeVar("_Function", bound=Callable[..., Any])


class Projection:
    """State made of events, by a function per command. `kernel.project` keeps it up to date.

    The state is a mapping from text to JSON values, kept in the store's records. With `tables`, it is tables in the
    store's database: a CREATE TABLE statement for each name, or several statements, with the names of tables in braces.
    With `into`, it is any object of yours; `factory` makes an empty one, for a rebuild or a replay. `snapshots`
    shortens time travel over records, and the rebuild of an object.

    Raises `ProjectionError` for a name, tables or snapshots that cannot be used.
    """

    def __init__(
        self,
        name: str,
        *,
        tables: Mapping[str, str | Sequence[str]] | None = None,
        into: Any = None,
        factory: Callable[[], Any] | None = None,
        snapshots: Snapshots[Any] | None = None,
    ) -> None:
        if not isinstance(name, str) or not 1 <= len(name) <= 200 or not is_unicode(name) or "\0" in name:
            raise ProjectionError(f"a projection's name is a text of 1 to 200 characters, not {shown(name)}")
        if tables is not None and (into is not None or factory is not None):
            raise ProjectionError(f"projection {name!r} keeps its state in tables or in an object, not in both")
        self.name = name
        self.tables = _statements(name, tables)
        self.factory = factory
        self.snapshots = _snapshots(name, snapshots, tables=bool(tables))
        self.into = factory() if into is None and factory is not None else into
        self.handlers: dict[str, Handler] = {}
        self.fallback: Handler | None = None
        self.reactions: dict[str, Handler] = {}
        self.reaction_fallback: Handler | None = None
        self.handle: ProjectionHandle | None = None

    def on(self, *cmds: str) -> Callable[[_Function], _Function]:
        """Let a function `(event, state)` handle these commands; without any, all that have no handler of their own.

        It must do the same whenever it sees the same events, since a rebuild replays them, and must not append.
        """
        return self._decorator(cmds, self.handlers, "fallback", _handler)

    def reaction(self, *cmds: str) -> Callable[[_Function], _Function]:
        """Let a function `(event)` or `(event, state)` cause side effects, after the state was committed.

        It is run by `run_until_idle` and `run`, never in a replay or rebuild, and at least once: after a crash the last
        one may run again. It may append.
        """
        return self._decorator(cmds, self.reactions, "reaction_fallback", _reaction)

    def handler_of(self, cmd: str) -> Handler | None:
        """The function for a command, or None."""
        return self.handlers.get(cmd, self.fallback)

    @property
    def state(self) -> Any:
        """The latest committed state; raises `ProjectionError` before `kernel.project`."""
        if self.handle is None:
            raise ProjectionError(f"projection {self.name!r} has no state yet", hint="Call kernel.project(projection).")
        return self.handle.state

    def __repr__(self) -> str:
        return f"<Projection {self.name}>"

    def _decorator(
        self, cmds: tuple[str, ...], handlers: dict[str, Handler], fallback: str, shaped: Callable[[Any, str], Handler]
    ) -> Callable[[_Function], _Function]:
        for cmd in cmds:
            if not isinstance(cmd, str) or not cmd:
                raise ProjectionError(
                    f"projection {self.name!r}: a command is a text, not {shown(cmd)}",
                    hint='Write @projection.on("orderPlaced").',
                )
            if cmd in handlers:
                raise ProjectionError(f"projection {self.name!r} has a function for {cmd!r} already")

        def decorate(function: _Function) -> _Function:
            handler = shaped(function, self.name)
            handlers.update(dict.fromkeys(cmds, handler))
            if not cmds:
                setattr(self, fallback, handler)
            return function

        return decorate


def _handler(function: Any, name: str) -> Handler:
    if _parameters(function, name) != 2:
        raise ProjectionError(f"projection {name!r}: a handler takes (event, state), unlike {shown(function)}")
    return function  # type: ignore[no-any-return]


def _reaction(function: Any, name: str) -> Handler:
    parameters = _parameters(function, name)
    if parameters == 1:
        return lambda event, _state: function(event)
    if parameters != 2:
        raise ProjectionError(f"projection {name!r}: a reaction takes (event) or (event, state), not {parameters}")
    return function  # type: ignore[no-any-return]


def _parameters(function: Any, name: str) -> int:
    """How many positional parameters without a default it has; two for what takes any number."""
    if not callable(function) or iscoroutinefunction(function):
        raise ProjectionError(
            f"projection {name!r}: {shown(function)} is no plain function",
            hint="Handlers and reactions are run by a thread; a reaction may call asyncio.run.",
        )
    try:
        parameters = signature(function).parameters.values()
    except ValueError:  # written in C, without a signature
        return 2
    if any(each.kind is Parameter.VAR_POSITIONAL for each in parameters):
        return 2
    positional = (Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD)
    return sum(each.kind in positional and each.default is Parameter.empty for each in parameters)


def _snapshots(name: str, snapshots: Any, *, tables: bool) -> Snapshots[Any] | None:
    from eventlite.sourcing.snapshots import Snapshots

    if snapshots is None:
        return None
    if not isinstance(snapshots, Snapshots):
        raise ProjectionError(
            f"projection {name!r}: expected Snapshots, not {shown(snapshots)}", hint="Snapshots(every=10_000, keep=5)."
        )
    if tables:
        raise ProjectionError(
            f"projection {name!r} keeps its state in tables, of which no snapshots are taken",
            hint="Leave out `snapshots`, or keep the state in records.",
        )
    return snapshots


def _statements(name: str, tables: Any) -> dict[str, tuple[str, ...]]:
    if tables is None:
        return {}
    if not isinstance(tables, Mapping) or not tables:
        raise ProjectionError(
            f"projection {name!r}: tables maps names to statements, unlike {shown(tables)}",
            hint='For example tables={"orders": "CREATE TABLE {orders} (id TEXT PRIMARY KEY)"}.',
        )
    return {table: _listed(name, table, statements) for table, statements in tables.items()}


def _listed(name: str, table: Any, statements: Any) -> tuple[str, ...]:
    from eventlite.sourcing.projections.naming import check_table

    check_table(name, table)
    listed = (statements,) if isinstance(statements, str) else tuple(statements)
    if not listed or not all(isinstance(each, str) for each in listed) or f"{{{table}}}" not in listed[0]:
        raise ProjectionError(
            f"projection {name!r}: the first statement of {table!r} must create {{{table}}}, in braces",
            hint=f'For example "CREATE TABLE {{{table}}} (id TEXT PRIMARY KEY)".',
        )
    return listed
