"""Events as they come, a batch at a time: first those that are there, then the new ones of any process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from eventlite.sourcing.subscriptions.checkpoints import BATCH

if TYPE_CHECKING:
    from eventlite.contracts.host import Host
    from eventlite.event import Event
    from eventlite.query import Query
    from eventlite.sourcing.subscriptions.checkpoints import Checkpoint
    from eventlite.sourcing.subscriptions.ending import Ending

#: Seconds of one wait for news. News are a hint; that the head is looked at this often is what can be relied on.
LOOK_EVERY = 0.1


@dataclass(frozen=True, slots=True)
class Batch:
    """Events in order, perhaps none, and the position up to which there are no others."""

    events: Sequence[Event]
    end: int


class Progress(Protocol):
    """What becomes of the events of one subscription's batches."""

    def taken(self) -> int:
        """The position up to which events were taken over: the next batch begins behind it."""

    def forget(self) -> None:
        """The hold is lost: wait for what is under way, and count none of it."""

    def finish(self) -> None:
        """There are no more batches: wait for everything that was taken over."""


def batches(host: Host, query: Query, checkpoint: Checkpoint, progress: Progress, ending: Ending) -> Iterator[Batch]:
    """Batches while the checkpoint is held, an empty one whenever nothing comes; until the end is reached."""
    while not ending.reached():
        if not (checkpoint.held() or checkpoint.save()):
            progress.forget()
            if not checkpoint.acquire():
                if ending.idle():
                    return
                ending.sleep(ending.patience(LOOK_EVERY))
                continue
        batch = _next(host, query, progress.taken())
        yield batch
        if batch.events:
            checkpoint.settle(len(batch.events))
            ending.came()
        elif ending.idle():
            return
        else:
            host.storage.wait(batch.end, ending.patience(LOOK_EVERY))


def _next(host: Host, query: Query, after: int) -> Batch:
    head = host.storage.head()
    if head <= after:
        return Batch((), after)
    rows = host.storage.read(query, after=after, before=head + 1, limit=BATCH)
    return Batch(host.events(rows), rows[-1][0] if len(rows) == BATCH else head)


def acknowledged(batch: Batch, checkpoint: Checkpoint, ending: Ending) -> Iterator[Event]:
    """The events of a batch; the checkpoint moves past one when the next one is asked for. Blocks nobody.

    Ends early when the hold is in doubt or the end is reached.
    """
    reached, held = ending.reached, checkpoint.held  # asked for every event
    for event in batch.events:
        if reached() or not held():
            return
        yield event
        checkpoint.position = event.id
    if held():
        checkpoint.position = batch.end
