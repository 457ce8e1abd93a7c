"""An order process, whole: commands, a decider, a projection, a wait, a reaction and an upcaster.

`python docs/examples/orders.py` runs it on a file in the present directory; on a server it runs with
`EVENTLITE_PROFILE=postgres` and its address in `EVENTLITE_STORAGE__DSN`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from eventlite import Decider, Event, Kernel, NewEvent, Projection, Query

# --- commands: what somebody wants


@dataclass(frozen=True)
class Place:
    order: str
    cents: int


@dataclass(frozen=True)
class Pay:
    order: str
    cents: int


@dataclass(frozen=True)
class Pack:
    order: str


class OrderRefusedError(Exception):
    """The order does not allow this now."""


# --- the decider: what a command leads to, by what has happened to the order


def evolve(order: dict[str, Any], event: Event) -> dict[str, Any]:
    if event.cmd == "orderPlaced":
        return {"status": "placed", "owed": event.data["cents"]}
    if event.cmd == "orderPaid":
        return {**order, "owed": order["owed"] - event.data["cents"]}
    return {**order, "status": event.cmd.removeprefix("order").lower()}


def decide(command: Place | Pay | Pack, order: dict[str, Any]) -> NewEvent | None:
    tags = [f"order:{command.order}"]
    data = {"order": command.order}
    if isinstance(command, Place):
        if order:
            raise OrderRefusedError(f"{command.order} is placed already")
        return NewEvent("orderPlaced", {**data, "cents": command.cents, "currency": "EUR"}, version=2, tags=tags)
    if order.get("status") not in ("placed", "packed"):
        raise OrderRefusedError(f"{command.order} is {order.get('status', 'unknown')}")
    if isinstance(command, Pay):
        if command.cents != order["owed"]:
            raise OrderRefusedError(f"{command.order} owes {order['owed']} cents, not {command.cents}")
        return NewEvent("orderPaid", {**data, "cents": command.cents}, tags=tags)
    return None if order["status"] == "packed" else NewEvent("orderPacked", data, tags=tags)


ORDERS = Decider(decide, evolve, initial=dict, query=lambda command: Query(tags=[f"order:{command.order}"]))


def application(kernel: Kernel, send: Callable[[str], None]) -> Projection:
    """Tell a kernel what there is to know about orders; `send` tells the customer something."""
    # Orders of the first year had an amount in euros.
    kernel.upcast("orderPlaced", 1, lambda old: {"order": old["order"], "cents": old["euros"] * 100, "currency": "EUR"})

    board = Projection("board")

    @board.on("orderPlaced")
    def placed(event: Event, state: Any) -> None:
        state[event.data["order"]] = {"cents": event.data["cents"], "status": "placed"}

    @board.on("orderPaid", "orderPacked", "orderShipped", "orderCancelled")
    def moved(event: Event, state: Any) -> None:
        state[event.data["order"]]["status"] = event.cmd.removeprefix("order").lower()

    @board.reaction("orderShipped", "orderCancelled")
    def tell(event: Event) -> None:
        send(f"{event.data['order']}: {event.cmd.removeprefix('order').lower()}")

    kernel.project(board)
    return board


def place(kernel: Kernel, order: str, cents: int) -> None:
    """Place an order that is shipped when it is paid and packed, and cancelled after two weeks without."""
    (placed,) = kernel.decide(ORDERS, Place(order, cents), key=f"place/{order}")
    kernel.append_when(
        "orderShipped",
        {"order": order},
        all_of=["orderPaid", "orderPacked"],
        tags=placed.tags,
        after=placed.id,
        key=f"ship/{order}",
        timeout=timedelta(weeks=2).total_seconds(),
        otherwise=NewEvent("orderCancelled", {"order": order}, tags=placed.tags, key=f"cancel/{order}"),
    )


def main() -> None:
    with Kernel.from_profile(storage={}) as kernel:
        board = application(kernel, print)
        order = f"A{kernel.head()}"
        place(kernel, order, 1_250)
        kernel.decide(ORDERS, Pack(order))
        kernel.decide(ORDERS, Pay(order, 1_250))
        kernel.run_until_idle()
        print(board.state[order])


if __name__ == "__main__":
    main()
