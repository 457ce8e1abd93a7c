"""EventLite beside bare sqlite3, `eventsourcing` and UmaDB, in turns; each peer is a file of its own."""
