CREATE TABLE @job (
    id $serial,
    queue TEXT NOT NULL,
    name TEXT NOT NULL,
    state TEXT NOT NULL,
    priority BIGINT NOT NULL,
    due BIGINT NOT NULL,
    rank BIGINT NOT NULL,
    data TEXT NOT NULL,
    attempts BIGINT NOT NULL DEFAULT 0,
    max_attempts BIGINT NOT NULL,
    enqueued BIGINT NOT NULL,
    started BIGINT,
    finished BIGINT,
    fence BIGINT NOT NULL DEFAULT 0,
    lease BIGINT,
    renewed BIGINT,
    cancelling SMALLINT NOT NULL DEFAULT 0,
    uniqueness TEXT,
    error TEXT,
    failures TEXT NOT NULL DEFAULT '[]',
    progress TEXT,
    result TEXT
);
CREATE INDEX job_ready ON @job (queue, rank, id) WHERE state = 'ready';
CREATE INDEX job_scheduled ON @job (due) WHERE state = 'scheduled';
CREATE INDEX job_running ON @job (lease) WHERE state = 'running';
CREATE INDEX job_finished ON @job (state, finished, id) WHERE finished IS NOT NULL;
CREATE UNIQUE INDEX job_unique ON @job (name, uniqueness)
    WHERE uniqueness IS NOT NULL AND finished IS NULL;
CREATE TABLE @job_queue (
    name TEXT PRIMARY KEY,
    paused SMALLINT NOT NULL DEFAULT 0,
    most BIGINT
);
CREATE TABLE @job_trigger (
    name TEXT PRIMARY KEY,
    position BIGINT NOT NULL
);
CREATE TABLE @job_schedule (
    name TEXT PRIMARY KEY,
    job TEXT NOT NULL,
    rule TEXT NOT NULL,
    next BIGINT NOT NULL,
    last BIGINT
);
INSERT INTO @job_queue (name) VALUES ('default');
