"""UmaDB: the server from its wheel in a process of its own, and its Python client. A correlation is a tag."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import orjson

from benchmarks.peers.arena import Arena, Events, required
from eventlite import NewEvent
from eventlite.bench import timed
from eventlite.bench.rounds import Rounds
from eventlite.bench.writing import deal, shares

_BATCH = 1_000
_PATIENCE = 15.0
_SERVER = "import sys, umadb; umadb.run_server_from_args(['umadb', *sys.argv[1:]])"


def append(arena: Arena) -> Rounds:
    """One client, one event after the other."""
    events = Events()
    with arena.place() as place, _served(place) as url, required("umadb").Client(url) as client:
        while True:
            yield timed(_append_each, client, events.next(arena.scale.appends))


def append_together(arena: Arena, clients: int) -> Rounds:
    """Several clients at once, each in a thread of its own, each event by event."""
    events, umadb = Events(), required("umadb")
    with ExitStack() as stack:
        url = stack.enter_context(_served(stack.enter_context(arena.place())))
        opened = [stack.enter_context(umadb.Client(url)) for _ in range(clients)]
        pool = stack.enter_context(ThreadPoolExecutor(clients))
        while True:
            work = deal(events.next(max(clients, 2 * arena.scale.appends)), clients)
            yield timed(lambda work: sum(pool.map(_append_each, opened, work)), work)


def bulk(arena: Arena) -> Rounds:
    """One client, batches of a thousand into a new store."""
    events = Events()
    while True:
        batches = shares(events.next(arena.scale.events), _BATCH)
        with arena.place() as place, _served(place) as url, required("umadb").Client(url) as client:
            measured = timed(_append_batches, client, batches)
        del batches
        yield measured


@contextmanager
def _served(place: Path) -> Iterator[str]:
    """A server over a new file; its address."""
    required("umadb")
    address = f"127.0.0.1:{_free_port()}"
    arguments = ["--listen", address, "--db-path", str(place / "uma.db")]
    with (place / "server.log").open("wb") as log:
        server = subprocess.Popen([sys.executable, "-c", _SERVER, *arguments], stdout=log, stderr=log)
    try:
        _wait_for(server, address)
        yield f"http://{address}"
    finally:
        server.terminate()
        server.wait(_PATIENCE)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(server: subprocess.Popen[bytes], address: str) -> None:
    host, _, port = address.partition(":")
    deadline = time.monotonic() + _PATIENCE
    while True:
        try:
            socket.create_connection((host, int(port)), 1).close()
        except OSError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"UmaDB's server does not answer at {address}") from None
            time.sleep(0.05)
        else:
            return


def _made(kind: Any, event: NewEvent) -> Any:
    told = {"version": event.version, "user": event.user, "ip": event.ip, "data": event.data}
    return kind(event.cmd, orjson.dumps(told), [event.correlation_id], metadata=event.metadata)


def _append_each(client: Any, events: Sequence[NewEvent]) -> int:
    kind = required("umadb").Event
    for event in events:
        client.append([_made(kind, event)])
    return len(events)


def _append_batches(client: Any, batches: Sequence[Sequence[NewEvent]]) -> int:
    kind = required("umadb").Event
    for batch in batches:
        client.append([_made(kind, event) for event in batch])
    return sum(map(len, batches))
