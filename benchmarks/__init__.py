"""Benchmarks over the harness of `eventlite bench`, each a program of its own. Nothing here asserts about time.

* `peers` races EventLite against other stores and queues, `tricks` loads without one trick of the bulk path at a time.
* `growth`, `memory`, `imports`, `following` (with `handling`), `jobs` and `ordering` measure what they are named for.
* `keeping` has the results that are worth it in `results`; `plots` and `tables` draw the performance guide's from them.
  `options` are what all of them take.
"""
