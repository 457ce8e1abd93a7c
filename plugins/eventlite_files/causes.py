"""What the causes of a batch are called in the store, and the correlations that they hand on."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from eventlite.contracts import EventReader
from eventlite.event import Draft, caused
from eventlite_files.batches import Batch
from eventlite_files.fields import Drafter
from eventlite_files.identities import Identities


class Causes:
    """Settles causes; `reader` sees everything imported so far.

    A cause is an earlier event of the file; one that is not there dangles and keeps its number. `identities` says what
    became of ids when events are renumbered, None when they keep theirs.
    """

    def __init__(self, reader: EventReader, identities: Identities | None, drafter: Drafter) -> None:
        self._reader = reader
        self._identities = identities
        self._drafter = drafter

    def settle(self, batch: Batch, index: int, ids: Sequence[int]) -> tuple[Draft, bool]:
        """The draft as it is stored, and whether its cause dangles; `ids` are the store's for the batch so far.

        The draft in the batch gets its correlation, too, if it had none.
        """
        draft = batch.drafts[index]
        cause = draft[7]
        assert cause is not None
        at = bisect_left(batch.ids, cause, 0, index)
        inside = at < index and batch.ids[at] == cause
        found = ids[at] if inside else self._outside(cause) if cause < batch.ids[index] else None
        if not draft[6]:
            correlation = batch.drafts[at][6] if inside else self._handed_on(found, batch.first + index)
            draft = batch.drafts[index] = caused(draft, cause, correlation)
        return (draft if found in (None, cause) else caused(draft, found, draft[6])), found is None

    def _outside(self, cause: int) -> int | None:
        if self._identities is None:
            return cause if self._reader.get(cause) else None
        found = self._identities.find(cause)
        return None if found is None else found[0]

    def _handed_on(self, cause: int | None, number: int) -> str:
        row = None if cause is None else self._reader.get(cause)
        return self._drafter.correlation(number) if row is None else row[7]
