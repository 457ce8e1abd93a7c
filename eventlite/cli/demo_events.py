"""A web shop's day, made up: what `demo` fills its store with."""

from __future__ import annotations

import random
from collections.abc import Iterator

from eventlite.event import NewEvent

_CUSTOMERS = ("alice", "bob", "carol", "dmitri", "elena", "femi", "grace", "hiro")
_ITEMS = {"tea": 4.5, "coffee": 7.2, "mug": 12.0, "kettle": 39.9, "teapot": 28.0, "honey": 6.8}
_CITIES = ("Delft", "Ghent", "Lisbon", "Kraków", "Tartu")


def order_events(orders: int) -> Iterator[NewEvent]:
    """About five events for each order, each the cause of the next; the same every time."""
    chance = random.Random(7)  # noqa: S311
    for number in range(1, orders + 1):
        yield from _order(f"A{number:04}", chance)


def _order(order: str, chance: random.Random) -> Iterator[NewEvent]:
    customer, item = chance.choice(_CUSTOMERS), chance.choice(list(_ITEMS))
    count, tags = chance.randint(1, 4), [f"order:{order}", f"customer:{customer}"]
    amount = round(count * _ITEMS[item], 2)
    placed = NewEvent(
        "orderPlaced",
        {"order": order, "item": item, "count": count, "amount": amount, "ship_to": {"city": chance.choice(_CITIES)}},
        user=customer,
        ip=f"192.0.2.{chance.randint(1, 254)}",
        tags=tags,
    )
    asked = NewEvent("paymentRequested", {"order": order, "amount": amount}, user="shop", tags=tags, cause=placed)
    yield from (placed, asked)
    if chance.random() < 0.08:
        yield NewEvent(
            "paymentFailed", {"order": order, "reason": "card declined"}, user="bank", tags=tags, cause=asked
        )
        return
    paid = NewEvent("paymentReceived", {"order": order, "amount": amount}, user="bank", tags=tags, cause=asked)
    packed = NewEvent(
        "parcelPacked", {"order": order, "item": item, "count": count}, user="dock-2", tags=tags, cause=paid
    )
    sent = NewEvent("parcelShipped", {"order": order, "parcel": f"P-{order}"}, user="dock-2", tags=tags, cause=packed)
    yield from (paid, packed, sent)
