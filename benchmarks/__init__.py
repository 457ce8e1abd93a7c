"""Benchmarks over the harness of `eventlite bench`: peers, growth, memory, imports. Nothing here asserts about time."""
