"""Workers in processes of their own, which begin a round together."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import cache
from multiprocessing.connection import Connection
from typing import Any, NamedTuple, TypeAlias

from eventlite.bench import timed
from eventlite.bench.rounds import Measured

#: Does a share of the work, and returns how many units that were.
Work: TypeAlias = Callable[[Any], int]


class Tool(NamedTuple):
    """What a worker works with: opened in each of them when it is first needed, and closed at the end."""

    open: Callable[..., AbstractContextManager[Work]]
    arguments: tuple[Hashable, ...]


class Crew:
    """Some workers, each at the other end of a pipe."""

    def __init__(self, pipes: Sequence[Connection]) -> None:
        self._pipes = pipes

    def round(self, tool: Tool, items: Sequence[Any]) -> Measured:
        """Deal the items out, then measure from the start of the first worker to the end of the last."""
        for number, pipe in enumerate(self._pipes):
            pipe.send((tool, items[number :: len(self._pipes)]))
        self._answers()
        return timed(self._work)

    def _work(self) -> int:
        for pipe in self._pipes:
            pipe.send(None)
        return sum(self._answers())

    def _answers(self) -> list[int]:
        return [pipe.recv() for pipe in self._pipes]


@contextmanager
def crew(size: int) -> Iterator[Crew]:
    """So many workers."""
    context = multiprocessing.get_context("spawn")  # a fork would inherit the connections of this process
    ours, theirs = zip(*(context.Pipe() for _ in range(size)), strict=True)
    workers = [context.Process(target=_serve, args=(pipe,), daemon=True) for pipe in theirs]
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


def _serve(pipe: Connection) -> None:
    """The life of a worker: take a share, say so, wait for the start, work, and tell how much that was."""
    with ExitStack() as stack:
        opened = cache(lambda tool: stack.enter_context(tool.open(*tool.arguments)))
        while True:
            try:
                tool, share = pipe.recv()
            except EOFError:
                return
            work = opened(tool)
            pipe.send(0)
            pipe.recv()
            pipe.send(work(share))
