"""State in the store's records: a mapping from text to JSON values, one record per key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, MutableMapping
from typing import TYPE_CHECKING, Any

from eventlite.errors import ProjectionError, shown
from eventlite.jsontext import decode_object, encode_object

if TYPE_CHECKING:
    from eventlite.contracts.state import Record, StateReader, StateStore

#: In place of a value: there is none; and nobody has looked yet.
_GONE = object()
_UNREAD = object()

#: Values that nobody can change in place.
_FIXED = (str, int, float, bool, type(None))


class Nothing:
    """No records at all: what a replay in memory starts from."""

    def get(self, namespace: str, name: str) -> None:  # noqa: ARG002
        """None."""
        return

    def due(self, namespace: str, until: int, *, limit: int = 1000) -> list[Record]:  # noqa: ARG002
        """None of them."""
        return []

    def list(self, namespace: str, *, after: str = "", limit: int = 1000) -> list[Record]:  # noqa: ARG002
        """None of them."""
        return []


class RecordState(MutableMapping[str, Any]):
    """The state that handlers change: read when first touched, written once per batch.

    After each event, what the handler set or changed in place becomes what JSON makes of it, so that the state never
    depends on where a batch ended.
    """

    def __init__(self, records: StateReader, namespace: str) -> None:
        self._records = records
        self._namespace = namespace
        self._values: dict[str, Any] = {}
        #: What each value is as JSON text since the last event; None where there is no value.
        self._texts: dict[str, str | None] = {}
        #: The keys that the handler of this event touched, and those that any has changed.
        self._touched: set[str] = set()
        self._changed: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        value = self.get(key, _GONE)
        if value is _GONE:
            raise KeyError(key)
        return value

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a key; changes made to it in place are kept."""
        value = self._values.get(key, _UNREAD)
        if value is _UNREAD:
            value = self._read(key)
        if value is _GONE:
            return default
        if type(value) not in _FIXED:
            self._touched.add(key)
        return value

    def __setitem__(self, key: str, value: Any) -> None:
        _check_key(key)
        self._values[key] = value
        self._touched.add(key)

    def __delitem__(self, key: str) -> None:
        if self.get(key, _GONE) is _GONE:
            raise KeyError(key)
        self._values[key] = _GONE
        self._touched.add(key)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and self.get(key, _GONE) is not _GONE

    def __iter__(self) -> Iterator[str]:
        """All keys in order: every one is read."""
        stored = (key for records in batches(self._records, self._namespace) for key in map(key_of, records))
        return iter(sorted(key for key in {*stored, *self._values} if self._values.get(key) is not _GONE))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def clear(self) -> None:
        """Remove everything."""
        for key in self:
            del self[key]

    def settle(self) -> None:
        """Take over what the handler of one event did. Raises `InvalidEventError` for a value that is not JSON."""
        for key in self._touched:
            value = self._values[key]
            text = None if value is _GONE else encode_object({"": value}, f"state[{key!r}]")
            if text != self._texts.get(key, _UNREAD):
                self._texts[key] = text
                self._changed.add(key)
                if text is not None and type(value) not in _FIXED:
                    self._values[key] = decode_object(text)[""]
        self._touched.clear()

    def flush(self, records: StateStore) -> None:
        """Write what has changed."""
        for key in sorted(self._changed):
            value = self._values[key]
            if value is _GONE:
                records.delete(self._namespace, name_of(key))
            else:
                records.put(self._namespace, name_of(key), {"": value})
        self._changed.clear()

    def _read(self, key: str) -> Any:
        _check_key(key)
        record = self._records.get(self._namespace, name_of(key))
        value = self._values[key] = _GONE if record is None else record.value[""]
        if type(value) not in _FIXED:
            self._texts[key] = None if record is None else encode_object(record.value, "value")
        return value


def name_of(key: str) -> str:
    """What the record of a key is called: never empty, as a key may be."""
    return f"={key}"


def key_of(record: Record) -> str:
    """The key that a record belongs to."""
    return record.name[1:]


def batches(records: StateReader, namespace: str) -> Iterable[list[Record]]:
    """All records of a namespace in the order of their names."""
    after = ""
    while found := records.list(namespace, after=after):
        yield found
        after = found[-1].name


def _check_key(key: object) -> None:
    if not isinstance(key, str):
        raise ProjectionError(f"a key of the state is a text, not {shown(key)}", hint="Use str(key).")
