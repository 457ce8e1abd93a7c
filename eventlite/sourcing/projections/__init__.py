"""How projections are kept, followed, rebuilt and read.

`registry` is what a kernel asks, `handle` what it returns; `book` is what the store knows of each projection. `stored`
shows, pauses and resumes those of a store without their code; `status` is how one stands.

* Keeping state is up to a `model`, by `choosing`: `record_model` (handlers see `records`) or `table_model` (`tables`,
  whose statements `naming` writes).
* Keeping up to date: `inline` inside appends, `following` behind them, `outside` for objects and reactions; all of
  them call handlers by `applying`.
* Anew: `rebuilding` builds a state beside the live one and compares them (`report`), `replaying` goes back in time,
  `snapshotting` shortens that, `removing` deletes.
"""
