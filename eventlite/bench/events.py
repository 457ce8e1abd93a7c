"""Made-up events with every field filled, about 400 bytes each: what every workload writes."""

from __future__ import annotations

import random
from collections.abc import Iterator
from itertools import count

from eventlite.drafting import new_correlation
from eventlite.event import NewEvent

#: Events that share a correlation id, one behind the other.
PER_CORRELATION = 10

#: Every event but the rare ones has one of these.
COMMANDS = tuple(
    f"{thing}{done}"
    for thing in ("order", "payment", "parcel", "customer", "invoice")
    for done in ("Created", "Changed", "Confirmed", "Closed")
)

#: One event in `RARITY` has this command.
RARE_COMMAND = "chargebackRequested"
RARITY = 2_000

USERS = 1_000

_CITIES = ("Delft", "Ghent", "Lisbon", "Kraków", "Tartu")
_ITEMS = ("tea", "coffee", "mug", "kettle", "teapot", "honey")


def made_up_events() -> Iterator[NewEvent]:
    """Events without end, the same every time but for their correlation ids, which grow with time."""
    chance = random.Random(7)  # noqa: S311
    for number in count():
        if number % PER_CORRELATION == 0:
            correlation_id = new_correlation()
        yield _event(number, correlation_id, chance)


def tagged_events() -> Iterator[NewEvent]:
    """The same, with the order that an event is about as its tag: ten in a row share one."""
    for number, event in enumerate(made_up_events()):
        event.tags = (f"order:{number // PER_CORRELATION:08}",)
        yield event


def user(number: int) -> str:
    """The name of a user, from 0 to `USERS` - 1."""
    return f"user-{number:04}"


def _event(number: int, correlation_id: str, chance: random.Random) -> NewEvent:
    return NewEvent(
        RARE_COMMAND if number % RARITY == RARITY // 20 else COMMANDS[int(chance.random() * len(COMMANDS))],
        _payload(number, chance),
        user=user(int(chance.random() * USERS)),
        ip=f"192.0.2.{number % 254 + 1}",
        version=2 if number % 10 == 0 else 1,
        metadata={"source": "web", "release": "2026.1", "request": f"r-{number:08x}"},
        correlation_id=correlation_id,
    )


def _payload(number: int, chance: random.Random) -> dict[str, object]:
    return {
        "order": f"A{number // PER_CORRELATION:08}",
        "item": _ITEMS[number % len(_ITEMS)],
        "count": number % 7 + 1,
        "amount": round(chance.random() * 100, 2),
        "express": number % 3 == 0,
        "ship_to": {"city": _CITIES[number % len(_CITIES)], "street": f"Long Street {number % 199}"},
    }
