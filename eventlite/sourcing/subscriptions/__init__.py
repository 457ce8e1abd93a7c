"""How events are followed, in a loop or by a handler, by one consumer of a name at a time.

`registry` is what a kernel asks: it makes subscriptions and looks after those that have a name.

* Following: a `subscription` takes events in `batches`, until an `ending`; `checkpoints` know how far it is.
* Handling: `handling` is one event and its handler, `partitions` are several at once. What a handler could not do is
  kept among the `dead_letters`.
"""
