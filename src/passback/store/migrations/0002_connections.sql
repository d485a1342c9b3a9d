-- How the gateway reaches a district's LMS. The credentials are encrypted (store/engine/vault.py).
CREATE TABLE connections (
    district_id TEXT PRIMARY KEY REFERENCES districts (id),
    address TEXT NOT NULL,
    options TEXT NOT NULL,
    credentials TEXT NOT NULL,
    created BIGINT NOT NULL,
    last_modified BIGINT NOT NULL
);

-- What connectors store here because an LMS has no place for it.
CREATE TABLE notes (
    district_id TEXT NOT NULL REFERENCES districts (id),
    key TEXT NOT NULL,
    note TEXT NOT NULL,
    PRIMARY KEY (district_id, key)
);

-- Assignments that an LMS may have created although its answer was lost. The id becomes the assignment's, once found.
CREATE TABLE doubts (
    id TEXT PRIMARY KEY,
    section_id TEXT NOT NULL REFERENCES sections (id),
    digest TEXT NOT NULL,
    since BIGINT NOT NULL
);
CREATE INDEX doubts_by_section ON doubts (section_id, digest);

-- How a section or user was matched to one in the LMS: by sis_id, email, name or hand.
ALTER TABLE sections ADD COLUMN matched_by TEXT;
ALTER TABLE users ADD COLUMN matched_by TEXT;

-- Sections and people of the LMS that a person must choose from.
CREATE TABLE match_candidates (
    district_id TEXT NOT NULL REFERENCES districts (id),
    id TEXT NOT NULL,
    lms_id TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    sis_id TEXT,
    PRIMARY KEY (district_id, id, lms_id)
);

-- Records of the sandbox's simulated LMSs.
CREATE TABLE simulator_records (
    simulator TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    position BIGINT NOT NULL,
    record TEXT NOT NULL,
    PRIMARY KEY (simulator, kind, id)
);
CREATE INDEX simulator_records_in_order ON simulator_records (simulator, position);
