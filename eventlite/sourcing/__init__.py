"""From a store to an application: what follows the events and what is made of them.

Every part takes a `Host` (a kernel is one) or its storage, keeps its state in the store's records, and works alone.

* Subscriptions: the folder `subscriptions` makes them, looks after them and calls their handlers.
* Projections: `projection` is what a user writes; the folder `projections` keeps it up to date.
* Waits: the folder `waits` registers them and moves them on.
* Decisions and state: `decider`, `folding`, and `snapshots` that shorten both.
* Events: `upcasting` lifts old ones, `typed` makes them of classes and back.

`sourcing` runs whatever follows the events of one kernel. Several parts share `consumer` (the position of a follower
and the hold on it, in one record) and `telling`.
"""
