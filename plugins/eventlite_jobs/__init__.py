"""Job dispatchers of EventLite: `durable` keeps jobs in the store, `threads` in this process.

What is beside the two serves both.
"""
