"""EventLite beside bare sqlite3 and psycopg, `eventsourcing`, UmaDB and huey, by turns; a file for each of them."""
