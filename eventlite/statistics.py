"""A summary of all events, computed by reading them."""

from __future__ import annotations

from collections import Counter
from itertools import chain

from eventlite.contracts import EventReader, Statistics
from eventlite.event import MAX_ID
from eventlite.query import Query
from eventlite.scanning import scan


def summarise(reader: EventReader) -> Statistics:
    """Read every event once, batch by batch; keeps in memory each distinct command, user, version and correlation.

    A storage that can count for itself does so instead, with the same result. `first` and `last` are the earliest and
    the latest time, whatever the order of the events.
    """
    by_cmd, by_user, by_version = Counter[str](), Counter[str](), Counter[int]()
    correlations: set[str] = set()
    head = children = 0
    first: int | None = None
    last: int | None = None
    for row in chain.from_iterable(scan(reader, Query(), after=0, before=MAX_ID + 1)):
        head, version, recorded, user, _, cmd, _, correlation, causation = row[:9]
        by_cmd[cmd] += 1
        by_user[user] += 1
        by_version[version] += 1
        correlations.add(correlation)
        children += causation is not None
        first = recorded if first is None else min(first, recorded)
        last = recorded if last is None else max(last, recorded)
    events = by_version.total()
    return Statistics(
        events=events,
        head=head,
        correlations=len(correlations),
        roots=events - children,
        children=children,
        first=first,
        last=last,
        by_cmd=dict(by_cmd),
        by_user=dict(by_user),
        by_version=dict(by_version),
    )
