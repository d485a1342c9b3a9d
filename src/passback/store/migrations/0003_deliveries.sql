-- Every change that a client requested, on its way into the LMS (domain/delivery.py).
CREATE TABLE deliveries (
    id TEXT PRIMARY KEY,
    district_id TEXT NOT NULL REFERENCES districts (id),
    application TEXT NOT NULL,
    operation TEXT NOT NULL,
    section_id TEXT,
    assignment_id TEXT,
    user_id TEXT,
    party TEXT NOT NULL,
    lane TEXT NOT NULL,
    rank BIGINT NOT NULL,
    batch_id TEXT,
    position BIGINT,
    content TEXT NOT NULL,
    digest TEXT,
    background SMALLINT NOT NULL CHECK (background IN (0, 1)),
    state TEXT NOT NULL,
    doubt SMALLINT NOT NULL CHECK (doubt IN (0, 1)),
    untold SMALLINT NOT NULL CHECK (untold IN (0, 1)),
    attempts BIGINT NOT NULL,
    created BIGINT NOT NULL,
    due BIGINT,
    expires BIGINT NOT NULL,
    finished BIGINT,
    worker TEXT,
    fence BIGINT NOT NULL,
    status BIGINT,
    message TEXT,
    cause TEXT,
    result TEXT,
    warnings TEXT NOT NULL,
    superseded_by TEXT,
    fault TEXT,
    request_id TEXT,
    trace TEXT
);
CREATE INDEX deliveries_due ON deliveries (party, due, id) WHERE state = 'waiting';
CREATE INDEX deliveries_expiring ON deliveries (expires) WHERE state = 'waiting';
CREATE INDEX deliveries_of_lane ON deliveries (lane, rank, id) WHERE state = 'waiting';
CREATE INDEX deliveries_delivered_in_lane ON deliveries (lane, rank, id) WHERE state = 'delivered';
CREATE INDEX deliveries_in_doubt ON deliveries (lane) WHERE doubt = 1;
-- Only one delivery of a lane is under way at a time.
CREATE UNIQUE INDEX deliveries_under_way ON deliveries (lane) WHERE state = 'delivering';
CREATE INDEX deliveries_to_party ON deliveries (party, id) WHERE state = 'delivering';
CREATE INDEX deliveries_gone_wrong ON deliveries (party, state, id) WHERE state IN ('refused', 'expired', 'failed');
CREATE INDEX deliveries_of_worker ON deliveries (worker) WHERE state = 'delivering';
CREATE INDEX deliveries_of_batch ON deliveries (batch_id, position) WHERE batch_id IS NOT NULL;
CREATE INDEX deliveries_untold ON deliveries (section_id, digest) WHERE untold = 1;
CREATE INDEX deliveries_of_application ON deliveries (district_id, application, id)
    WHERE background = 1 AND batch_id IS NULL;
CREATE INDEX deliveries_finished ON deliveries (finished) WHERE finished IS NOT NULL;

-- The processes that deliver. One whose beat has stopped is dead.
CREATE TABLE workers (
    id TEXT PRIMARY KEY,
    home TEXT NOT NULL,
    pid BIGINT NOT NULL,
    beat BIGINT NOT NULL,
    began BIGINT NOT NULL
);

-- The destinations of deliveries that have failed lately: how often, and until when nothing is sent.
CREATE TABLE parties (
    id TEXT PRIMARY KEY,
    failures BIGINT NOT NULL,
    rests_until BIGINT NOT NULL,
    allowed BIGINT NOT NULL
);

-- If several processes reach an LMS: its breaker, the pace of each credential, and the requests under way.
CREATE TABLE lms_breakers (
    lms TEXT PRIMARY KEY,
    failures BIGINT NOT NULL,
    closed_until BIGINT NOT NULL
);
CREATE TABLE lms_paces (
    key TEXT PRIMARY KEY,
    not_before BIGINT NOT NULL,
    allowed BIGINT,
    begun TEXT NOT NULL
);
CREATE TABLE lms_turns (
    id TEXT PRIMARY KEY,
    key TEXT NOT NULL,
    worker TEXT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX lms_turns_by_key ON lms_turns (key);
CREATE INDEX lms_turns_by_worker ON lms_turns (worker);

-- Requests per token and minute, if several processes count them together.
CREATE TABLE rate_counts (
    token_id TEXT NOT NULL,
    minute BIGINT NOT NULL,
    used BIGINT NOT NULL,
    PRIMARY KEY (token_id, minute)
);

-- Requests with an Idempotency-Key. Their answers are in their deliveries.
CREATE TABLE idempotency_keys (
    district_id TEXT NOT NULL REFERENCES districts (id),
    application TEXT NOT NULL,
    key TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    delivery_id TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (district_id, application, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created);

-- How long deliveries to the district are tried, in milliseconds; null for the usual time.
ALTER TABLE districts ADD COLUMN keep_trying BIGINT;

-- When the LMS was first found not to have it any more.
ALTER TABLE assignments ADD COLUMN gone BIGINT;

-- Assignments that were in doubt become deliveries.
INSERT INTO deliveries (id, district_id, application, operation, section_id, assignment_id, party, lane, rank, content, digest,
    background, state, doubt, untold, attempts, created, due, expires, finished, fence, status, message, warnings)
SELECT doubts.id, sections.district_id, '', 'create_assignment', doubts.section_id, doubts.id, sections.district_id,
    doubts.id, doubts.since, '{}', doubts.digest, 0, 'failed', 1, 1, 1, doubts.since, doubts.since, doubts.since, doubts.since, 1, 500,
    'Error creating assignment', ''
FROM doubts JOIN sections ON sections.id = doubts.section_id;
DROP TABLE doubts;
