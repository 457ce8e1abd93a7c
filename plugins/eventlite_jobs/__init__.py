"""Job dispatchers of EventLite. `threads` keeps jobs in this process; what is beside it serves any dispatcher."""
