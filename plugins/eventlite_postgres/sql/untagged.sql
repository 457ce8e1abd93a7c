-- Tags that an event carries but the tag table does not know, and the other way round.
WITH carried AS (
    SELECT value AS tag, id AS event_id FROM {schema}.event, json_array_elements_text(tags::json) WHERE tags <> '[]'
), known AS (
    SELECT tag, event_id FROM {schema}.event_tag
)
(SELECT event_id, tag FROM carried EXCEPT ALL SELECT event_id, tag FROM known)
UNION ALL
(SELECT event_id, tag FROM known EXCEPT ALL SELECT event_id, tag FROM carried)
