-- One row per event, in commit order. `datetime` is microseconds since 1970-01-01 UTC; `data` and `metadata` are JSON
-- objects, `tags` a JSON array. No AUTOINCREMENT: the writer numbers, and events are never deleted.
CREATE TABLE event (
    id             INTEGER PRIMARY KEY,
    version        INTEGER NOT NULL,
    datetime       INTEGER NOT NULL,
    user           TEXT    NOT NULL,
    ip             TEXT    NOT NULL,
    cmd            TEXT    NOT NULL,
    data           TEXT    NOT NULL,
    correlation_id TEXT    NOT NULL,
    causation_id   INTEGER,
    metadata       TEXT    NOT NULL,
    tags           TEXT    NOT NULL,
    key            TEXT,
    crc            INTEGER NOT NULL
) STRICT;

CREATE UNIQUE INDEX event_key ON event (key) WHERE key IS NOT NULL;

-- The events about a thing, in order: what a query by tag and a condition read.
CREATE TABLE event_tag (
    tag      TEXT    NOT NULL,
    event_id INTEGER NOT NULL,
    PRIMARY KEY (tag, event_id)
) WITHOUT ROWID, STRICT;

-- Small versioned records of sourcing and jobs; `value` is a JSON object, `due` microseconds since 1970-01-01 UTC.
CREATE TABLE state (
    namespace TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    value     TEXT    NOT NULL,
    version   INTEGER NOT NULL,
    due       INTEGER,
    PRIMARY KEY (namespace, name)
) WITHOUT ROWID, STRICT;

CREATE INDEX state_due ON state (namespace, due) WHERE due IS NOT NULL;

-- For people and other tools: times as ISO 8601 text in UTC. `%` keeps the sign, hence the detour to floor.
CREATE VIEW events AS
SELECT
    id,
    version,
    strftime('%Y-%m-%dT%H:%M:%S', (datetime - (datetime % 1000000 + 1000000) % 1000000) / 1000000, 'unixepoch')
        || printf('.%06dZ', (datetime % 1000000 + 1000000) % 1000000) AS datetime,
    user,
    ip,
    cmd,
    data,
    correlation_id,
    causation_id,
    metadata,
    tags,
    key
FROM event;
