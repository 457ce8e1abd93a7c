"""Workers in processes of their own, which begin a round together."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from multiprocessing.connection import Connection
from typing import Any, TypeAlias

from eventlite.bench import timed
from eventlite.bench.rounds import Measured

#: Opens what a worker works with; what it yields does a share of the work, and returns how many units that were.
Opened: TypeAlias = Callable[..., AbstractContextManager[Callable[[Any], int]]]


class Crew:
    """Some workers, each at the other end of a pipe."""

    def __init__(self, pipes: Sequence[Connection]) -> None:
        self._pipes = pipes

    def round(self, items: Sequence[Any]) -> Measured:
        """Deal the items out, then measure from the start of the first worker to the end of the last."""
        for number, pipe in enumerate(self._pipes):
            pipe.send(items[number :: len(self._pipes)])
        self._answers()
        return timed(self._work)

    def _work(self) -> int:
        for pipe in self._pipes:
            pipe.send(None)
        return sum(self._answers())

    def _answers(self) -> list[int]:
        return [pipe.recv() for pipe in self._pipes]


@contextmanager
def crew(size: int, opened: Opened, *arguments: Any) -> Iterator[Crew]:
    """So many workers; `opened(*arguments)` is called in each of them, once."""
    context = multiprocessing.get_context("spawn")  # a fork would inherit the connections of this process
    ours, theirs = zip(*(context.Pipe() for _ in range(size)), strict=True)
    workers = [context.Process(target=_serve, args=(pipe, opened, arguments), daemon=True) for pipe in theirs]
    try:
        for worker, pipe in zip(workers, theirs, strict=True):
            worker.start()
            pipe.close()  # so that the end of a worker ends the wait for it
        yield Crew(ours)
    finally:
        for pipe in ours:
            pipe.close()
        for worker in workers:
            worker.join()


def _serve(pipe: Connection, opened: Opened, arguments: Sequence[Any]) -> None:
    """The life of a worker: take a share, say so, wait for the start, work, and tell how much that was."""
    with opened(*arguments) as work:
        while True:
            try:
                share = pipe.recv()
            except EOFError:
                return
            pipe.send(0)
            pipe.recv()
            pipe.send(work(share))
