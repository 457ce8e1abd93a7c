"""From a store to an application: what follows the events and what is made of them.

Every part takes a `Host` (a kernel is one) or its storage, keeps its state in the store's records, and works alone.

* Subscriptions: `subscriptions` makes them and looks after them, `subscription` is one. Events come in `batches` to a
  `handling`, or to `partitions` of several threads, until an `ending`. `checkpoints` know how far it is,
  `dead_letters` what it left out.
* Projections: `projection` is what a user writes; the folder `projections` keeps it up to date.
* Waits: `waits` registers them, `wait_follower` moves them on by `wait_index` and `wait_records`. A `wait` has a
  `wait_condition` of elements that have `happened`, with payloads by `comparing`.
* Decisions and state: `decider`, `folding`, and `snapshots` that shorten both.
* Events: `upcasting` lifts old ones, `typed` makes them of classes and back.

`sourcing` runs whatever follows the events of one kernel. Several parts share `consumer` (the position of a follower
and the hold on it, in one record), `stored_query` and `telling`.
"""
