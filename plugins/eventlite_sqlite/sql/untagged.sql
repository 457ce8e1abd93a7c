-- Tags that an event carries but the tag table does not know, and the other way round.
SELECT event.id, tag.value FROM event, json_each(event.tags) AS tag
WHERE event.tags <> '[]'
  AND NOT EXISTS (SELECT 1 FROM event_tag WHERE event_tag.tag = tag.value AND event_tag.event_id = event.id)
UNION ALL
SELECT event_tag.event_id, event_tag.tag FROM event_tag
WHERE NOT EXISTS (
    SELECT 1 FROM event, json_each(event.tags) AS tag WHERE event.id = event_tag.event_id AND tag.value = event_tag.tag
);
