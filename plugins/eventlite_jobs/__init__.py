"""Job dispatchers: `durable` keeps jobs in the store, `procrastinate` in that engine's tables, `threads` in memory.

What is beside the three serves them all: `checks` of what callers hand in, the `workers`, the `triggers`, their
`followers` where jobs and `positions` are kept, `backoff` between attempts, `texts` of what came of one, the `ids`
of those in tables, which job is `current`, and the `refusals` that all of them have.
"""
