SELECT
    count(*),
    coalesce(max(id), 0),
    count(DISTINCT correlation_id),
    coalesce(sum(causation_id IS NULL), 0),
    coalesce(sum(causation_id IS NOT NULL), 0),
    min(datetime),
    max(datetime)
FROM event;
