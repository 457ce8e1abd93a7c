"""From a store to an application: what follows the events and what is made of them.

Every part takes a `Host` (a kernel is one) or its storage, keeps its state in the store's records, and works alone.
"""
