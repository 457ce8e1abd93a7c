SELECT
    count(*),
    coalesce(max(id), 0),
    (SELECT count(*) FROM (SELECT DISTINCT correlation_id FROM {schema}.event) AS correlation),
    count(*) FILTER (WHERE causation_id IS NULL),
    count(*) FILTER (WHERE causation_id IS NOT NULL),
    min(datetime),
    max(datetime)
FROM {schema}.event
