"""Keeping state in tables: the live ones have the names that the projection gives them, others a number behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from eventlite.errors import ProjectionError
from eventlite.sourcing.projections.model import Difference, Past, View
from eventlite.sourcing.projections.naming import Wording
from eventlite.sourcing.projections.tables import TableState, columns, drop, exists

if TYPE_CHECKING:
    from eventlite.contracts.host import Host
    from eventlite.contracts.storage import Transaction


class TableModel:
    """See `eventlite.sourcing.projections.model.Model`. Raises `ProjectionError` where there is no SQL."""

    def __init__(self, name: str, tables: Mapping[str, Sequence[str]], dialect: str | None) -> None:
        if dialect is None:
            raise ProjectionError(
                f"projection {name!r} keeps its state in tables, and this storage has no SQL",
                hint="Use a storage such as sqlite, or leave out `tables`.",
            )
        self._name = name
        self._tables = tables
        self._dialect = dialect
        self._wordings: dict[str, Wording] = {}

    def describe(self) -> dict[str, Any]:
        """The statements that make the tables."""
        return {"kind": "tables", "tables": {table: list(statements) for table, statements in self._tables.items()}}

    def live(self, generation: int) -> str:  # noqa: ARG002 - the names stay when another generation takes over
        """Nothing behind the names."""
        return ""

    def shadow(self, generation: int) -> str:
        """What stands behind the names of tables that are built beside the live ones."""
        return f"__{generation}"

    def create(self, transaction: Transaction, place: str) -> None:
        """Make the tables. Raises `ProjectionError` if somebody else has a table of that name."""
        wording = self.wording(place)
        for table, statements in self._tables.items():
            if exists(transaction.connection, self._dialect, table + place):
                raise ProjectionError(
                    f"projection {self._name!r}: the store has a table {table + place!r} already, which is not its own",
                    hint="Give yours another name.",
                )
            for statement in statements:
                transaction.connection.execute(wording(statement))

    @contextmanager
    def change(self, transaction: Transaction, place: str) -> Iterator[TableState]:
        """Statements run in the transaction."""
        yield TableState(transaction.connection, self.wording(place))

    def read(self, host: Host, place: Callable[[View], str]) -> LiveTables:  # noqa: ARG002 - names stay
        """Queries over the live tables."""
        return LiveTables(host, self.wording(""))

    def rows(self, view: View, place: str) -> Iterator[bytes]:
        """Every row of every table, with the table's name."""
        for table in self._tables:
            if exists(view.connection, self._dialect, table + place):
                for row in view.connection.execute(f"SELECT * FROM {table}{place}"):
                    yield repr((table, *row)).encode()

    def differences(self, view: View, live: str, rebuilt: str, limit: int) -> tuple[int, list[Difference]]:
        """Rows that one has more often than the other, table by table."""
        count = 0
        first: list[Difference] = []
        for table in self._tables:
            for difference in self._differing(view.connection, table, table + live, table + rebuilt):
                count += 1
                if len(first) < limit:
                    first.append(difference)
        return count, first

    def settle(self, transaction: Transaction, generation: int) -> None:
        """Give the tables the names that the projection gives them."""
        for table in self._tables:
            transaction.connection.execute(f"ALTER TABLE {table}{self.shadow(generation)} RENAME TO {table}")

    def discard(self, host: Host, place: str) -> None:
        """Drop the tables, but never the live ones: those go when others take their names."""
        if place:
            with host.transaction() as transaction:
                drop(transaction.connection, [table + place for table in self._tables])

    def past(self, host: Host) -> Past:
        """A database in memory; where the store's dialect is another than SQLite's, tables with a name of their own."""
        return MemoryTables(self._tables) if self._dialect == "sqlite" else SideTables(self, host)

    def wording(self, place: str) -> Wording:
        """How statements are written for the tables of a place."""
        if place not in self._wordings:
            self._wordings[place] = Wording(self._dialect, {table: table + place for table in self._tables})
        return self._wordings[place]

    def _differing(self, connection: Any, table: str, live: str, rebuilt: str) -> Iterator[Difference]:
        if not exists(connection, self._dialect, live):
            yield Difference(table, None, "the table")
            return
        here, there = columns(connection, live), columns(connection, rebuilt)
        if here != there:
            yield Difference(f"columns of {table}", here, there)
            return
        names = ", ".join(f'"{name}"' for name in here)
        found = connection.execute(
            f"SELECT {names}, sum(n_) FROM (SELECT {names}, 1 AS n_ FROM {live}"
            f" UNION ALL SELECT {names}, -1 FROM {rebuilt}) AS both_ GROUP BY {names} HAVING sum(n_) <> 0"
            f" ORDER BY {names}"
        )
        for *row, surplus in found:
            yield Difference(table, row, None) if surplus > 0 else Difference(table, None, row)


class LiveTables:
    """The latest committed state."""

    def __init__(self, host: Host, wording: Wording) -> None:
        self._host = host
        self._wording = wording

    def query(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows that a SELECT finds, with names of tables in braces and `?` for each value."""
        with self._host.storage.snapshot() as snapshot:
            return TableState(snapshot.connection, self._wording).query(statement, parameters)


class MemoryTables:
    """Tables in a database in memory."""

    def __init__(self, tables: Mapping[str, Sequence[str]]) -> None:
        import sqlite3

        self._connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
        self._state = PastTables(self._connection, Wording("sqlite", {table: table for table in tables}))
        for statements in tables.values():
            for statement in statements:
                self._state.execute(statement)

    @contextmanager
    def change(self) -> Iterator[TableState]:
        """One database for all batches."""
        yield self._state

    def result(self) -> PastTables:
        """The database, to be asked; it goes when it is not used any more."""
        return self._state

    def close(self) -> None:
        """Let go of it."""
        self._state.close()


class PastTables(TableState):
    """Tables as they were: ask them with `query`."""

    def close(self) -> None:
        """Let go of them."""
        self.connection.close()

    def __enter__(self) -> PastTables:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.connection.close()


class SideTables:
    """Tables beside the live ones, removed when they are closed."""

    def __init__(self, model: TableModel, host: Host) -> None:
        self._model = model
        self._host = host
        self._place = f"__{uuid4().hex[:12]}"
        with host.transaction() as transaction:
            model.create(transaction, self._place)

    @contextmanager
    def change(self) -> Iterator[TableState]:
        """A transaction per batch."""
        with self._host.transaction() as transaction, self._model.change(transaction, self._place) as state:
            yield state

    def result(self) -> SideTables:
        """The tables, to be asked."""
        return self

    def query(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows that a SELECT finds."""
        return LiveTables(self._host, self._model.wording(self._place)).query(statement, parameters)

    def close(self) -> None:
        """Drop them."""
        self._model.discard(self._host, self._place)

    def __enter__(self) -> SideTables:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
