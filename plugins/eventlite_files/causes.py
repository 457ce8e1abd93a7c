"""What the causes of a batch are called in the store, and the correlations that they hand on."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field

from eventlite.contracts import EventReader
from eventlite.event import Draft, caused
from eventlite_files.batches import Batch
from eventlite_files.fields import Drafter
from eventlite_files.identities import Identities


@dataclass(slots=True)
class Settled:
    """The drafts of a batch, all with a correlation: as they stand in the file, and as they are stored."""

    in_file: list[Draft]
    as_stored: list[Draft]
    #: The indexes of those whose cause dangles.
    dangling: list[int] = field(default_factory=list)


class Causes:
    """Settles causes; `reader` sees everything imported so far.

    A cause is an earlier event of the file. One that is not there dangles and keeps its number, unless numbers become
    others: then it would name an event it has nothing to do with, and is left out. `identities` says which ids have
    become others: all of them with `renumber`, else only those of records that the store knew by their keys.
    """

    def __init__(self, reader: EventReader, identities: Identities, drafter: Drafter, renumber: bool) -> None:
        self._reader = reader
        self._identities = identities
        self._drafter = drafter
        self._renumber = renumber

    def settle(self, batch: Batch, ids: Sequence[int]) -> Settled:
        """Settle a batch whose records have these ids in the store."""
        settled = unsettled(batch)
        for index in batch.caused:
            self.settle_one(settled, batch, index, ids)
        return settled

    def settle_one(self, settled: Settled, batch: Batch, index: int, ids: Sequence[int]) -> None:
        """Settle one record that has a cause; `ids` are the store's for the records before it."""
        draft = batch.drafts[index]
        cause = draft[7]
        assert cause is not None
        at = bisect_left(batch.ids, cause, 0, index)
        inside = at < index and batch.ids[at] == cause
        found = ids[at] if inside else self._outside(cause) if cause < batch.ids[index] else None
        if not draft[6]:
            row = None if found is None else self._reader.get(found)
            otherwise = settled.in_file[at][6] if inside else self._drafter.correlation(batch.first + index)
            draft = settled.in_file[index] = caused(draft, cause, otherwise if row is None else row[7])
        lost = found is None and not self._renumber
        settled.as_stored[index] = draft if lost or found == cause else caused(draft, found, draft[6])
        if found is None:
            settled.dangling.append(index)

    def _outside(self, cause: int) -> int | None:
        found = self._identities.find(cause)
        if found is not None:
            return found[0]
        return None if self._renumber or self._reader.get(cause) is None else cause


def unsettled(batch: Batch) -> Settled:
    """The drafts as they are, to be settled; the same ones twice if none has a cause."""
    return Settled(list(batch.drafts), list(batch.drafts)) if batch.caused else Settled(batch.drafts, batch.drafts)
