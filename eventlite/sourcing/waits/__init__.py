"""How events wait for others, and come when those have happened.

`registry` is what a kernel asks; a `wait` is one of them, and `records` keep it.

* What is waited for: a `condition` of elements that have `happened`, with payloads by `comparing`. A `stored_query`
  means the same in another process.
* Moving on: `following` does it, and an `index` finds the waits that an event may count for.
"""
