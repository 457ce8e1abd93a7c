-- {schema} is replaced by the quoted name of the store's schema.
-- One row per event, in commit order. `datetime` is microseconds since 1970-01-01 UTC; `data` and `metadata` are JSON
-- objects as text, since jsonb keeps neither the order of keys nor numbers as they are written; `tags` a JSON array.
-- Collation "C" compares bytes: quick, and the same on every server for ever.
CREATE TABLE {schema}.event (
    id             bigint  PRIMARY KEY CHECK (id BETWEEN 1 AND 9007199254740991),
    version        integer NOT NULL,
    datetime       bigint  NOT NULL,
    "user"         text    COLLATE "C" NOT NULL,
    ip             text    COLLATE "C" NOT NULL,
    cmd            text    COLLATE "C" NOT NULL,
    data           text    COLLATE "C" NOT NULL,
    correlation_id text    COLLATE "C" NOT NULL,
    causation_id   bigint,
    metadata       text    COLLATE "C" NOT NULL,
    tags           text    COLLATE "C" NOT NULL,
    key            text    COLLATE "C",
    crc            bigint  NOT NULL
);

CREATE UNIQUE INDEX event_key ON {schema}.event (key) WHERE key IS NOT NULL;

-- The events about a thing, in order: what a query by tag and a condition read.
CREATE TABLE {schema}.event_tag (
    tag      text   COLLATE "C" NOT NULL,
    event_id bigint NOT NULL,
    PRIMARY KEY (tag, event_id)
);

-- Small versioned records of sourcing and jobs; `value` is a JSON object, `due` microseconds since 1970-01-01 UTC.
CREATE TABLE {schema}.state (
    namespace text   COLLATE "C" NOT NULL,
    name      text   COLLATE "C" NOT NULL,
    value     text   COLLATE "C" NOT NULL,
    version   bigint NOT NULL,
    due       bigint,
    PRIMARY KEY (namespace, name)
);

CREATE INDEX state_due ON {schema}.state (namespace, due) WHERE due IS NOT NULL;

-- A payload as json. PostgreSQL looks into no object that holds a NUL anywhere, so its escape is written as \/, which
-- EventLite never writes. The escape counts only behind an even number of backslashes.
CREATE FUNCTION {schema}.event_json(data text) RETURNS json
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT (
        CASE WHEN strpos(data, '\u0000') = 0 THEN data
        ELSE regexp_replace(data, '(?<!\\)((?:\\\\)*)\\u0000', '\1\\/', 'g') END
    )::json
$$;

-- The door to writing: waits for its turn, and returns the head as of then. Each statement of a function in plpgsql sees
-- what is committed when it begins, so the head is asked after the lock was given, not before.
CREATE FUNCTION {schema}.event_begin(store integer, patience integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    PERFORM set_config('lock_timeout', patience::text, true);
    PERFORM pg_advisory_xact_lock(1165380724, store);
    RETURN (SELECT coalesce(max(id), 0) FROM {schema}.event);
END
$$;

-- Whether nothing stands against an append: no event has one of the keys, all causes are there, and no event with all of
-- the tags of a guard, and one of its commands if it has any, stands after its position. False does not say why.
-- A plan is kept for the session, and one made while the store was small would read all of it when it is large.
CREATE FUNCTION {schema}.event_is_clear(
    head bigint, keys text[], causes bigint[], guard_tags text[], guard_cmds text[], guard_after bigint
) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET enable_seqscan = off SET enable_bitmapscan = off AS $$
BEGIN
    IF guard_after > head THEN
        RETURN false;
    END IF;
    IF array_remove(keys, NULL) <> '{}' THEN
        IF EXISTS (SELECT FROM {schema}.event WHERE key = ANY(keys) AND key IS NOT NULL) THEN
            RETURN false;
        END IF;
    END IF;
    IF array_remove(causes, NULL) <> '{}' THEN
        IF (SELECT count(*) FROM {schema}.event WHERE id = ANY(causes))
            < (SELECT count(DISTINCT cause) FROM unnest(causes) AS cause)
        THEN
            RETURN false;
        END IF;
    END IF;
    IF guard_tags IS NULL THEN
        RETURN true;
    END IF;
    RETURN NOT EXISTS (
        SELECT FROM {schema}.event_tag AS hit
        WHERE hit.tag = guard_tags[1]
            AND hit.event_id > guard_after
            AND (
                cardinality(guard_tags) = 1
                OR cardinality(guard_tags) = (
                    SELECT count(*) FROM {schema}.event_tag WHERE tag = ANY(guard_tags) AND event_id = hit.event_id
                )
            )
            AND (
                guard_cmds IS NULL
                OR (SELECT cmd FROM {schema}.event WHERE id = hit.event_id) = ANY(guard_cmds)
            )
    );
END
$$;

-- Appends one event and returns its id: one round trip, and one transaction. Without `guard_after` nothing is looked at;
-- with it the event must be clear, and NULL is returned, and nothing written, if it is not.
CREATE FUNCTION {schema}.event_append(
    store integer, patience integer, guard_tags text[], guard_cmds text[], guard_after bigint, version integer,
    datetime bigint, "user" text, ip text, cmd text, data text, correlation_id text, causation_id bigint, metadata text,
    tags text, key text, crc bigint
) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    head bigint := {schema}.event_begin(store, patience);
BEGIN
    IF guard_after IS NOT NULL AND NOT {schema}.event_is_clear(
        head, ARRAY[key], ARRAY[causation_id], guard_tags, guard_cmds, guard_after
    ) THEN
        RETURN NULL;
    END IF;
    INSERT INTO {schema}.event VALUES (
        head + 1, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17
    );
    IF $15 <> '[]' THEN
        INSERT INTO {schema}.event_tag SELECT value, head + 1 FROM json_array_elements_text($15::json);
    END IF;
    RETURN head + 1;
END
$$;

-- The same for many at once, each column an array; returns the first id.
CREATE FUNCTION {schema}.event_append_many(
    store integer, patience integer, guard_tags text[], guard_cmds text[], guard_after bigint, versions integer[],
    datetimes bigint[], users text[], ips text[], cmds text[], datas text[], correlation_ids text[],
    causation_ids bigint[], metadatas text[], tags text[], keys text[], crcs bigint[]
) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    head bigint := {schema}.event_begin(store, patience);
BEGIN
    IF guard_after IS NOT NULL AND NOT {schema}.event_is_clear(
        head, keys, causation_ids, guard_tags, guard_cmds, guard_after
    ) THEN
        RETURN NULL;
    END IF;
    INSERT INTO {schema}.event
    SELECT head + n, a, b, c, d, e, f, g, h, i, j, k, l
    FROM unnest($6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
        WITH ORDINALITY AS new (a, b, c, d, e, f, g, h, i, j, k, l, n);
    INSERT INTO {schema}.event_tag
    SELECT value, head + n FROM unnest($15) WITH ORDINALITY AS new (listed, n), json_array_elements_text(listed::json)
    WHERE listed <> '[]';
    RETURN head + 1;
END
$$;

-- For people and other tools: times with their zone.
CREATE VIEW {schema}.events AS
SELECT
    id,
    version,
    timestamptz '1970-01-01 00:00:00+00' + datetime * interval '1 microsecond' AS datetime,
    "user",
    ip,
    cmd,
    data,
    correlation_id,
    causation_id,
    metadata,
    tags,
    key
FROM {schema}.event;
