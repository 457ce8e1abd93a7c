"""Job dispatchers: `durable` keeps jobs in the store, `procrastinate` in those tables, `threads` in the process.

What is beside the three serves them all.
"""
