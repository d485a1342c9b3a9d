-- Syncs with the LMS: when a district is due, how far its sync is, and what has been read so far.

CREATE TABLE lms_syncs (
    district_id TEXT PRIMARY KEY REFERENCES districts (id),
    -- How long from one sync to the next; null if it only runs on request.
    every BIGINT,
    due BIGINT,
    asked BIGINT,
    phase TEXT NOT NULL CHECK (phase IN ('idle', 'courses', 'sections', 'people', 'matching')),
    began BIGINT,
    worker TEXT,
    held_until BIGINT,
    failures BIGINT NOT NULL,
    error TEXT,
    -- 1 if it may remove and unmatch any number of objects this time.
    removals BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX lms_syncs_due ON lms_syncs (due);

CREATE TABLE lms_courses (
    district_id TEXT NOT NULL REFERENCES districts (id),
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    sis_id TEXT,
    number TEXT,
    read BIGINT NOT NULL,
    PRIMARY KEY (district_id, id)
);
CREATE INDEX lms_courses_unread ON lms_courses (district_id, id) WHERE read = 0;

CREATE TABLE lms_sections (
    district_id TEXT NOT NULL REFERENCES districts (id),
    id TEXT NOT NULL,
    course_id TEXT NOT NULL,
    name TEXT NOT NULL,
    sis_id TEXT,
    read BIGINT NOT NULL,
    PRIMARY KEY (district_id, id)
);
CREATE INDEX lms_sections_of_course ON lms_sections (district_id, course_id);
CREATE INDEX lms_sections_unread ON lms_sections (district_id, id) WHERE read = 0;

CREATE TABLE lms_members (
    district_id TEXT NOT NULL REFERENCES districts (id),
    section_id TEXT NOT NULL,
    role TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    email TEXT,
    sis_id TEXT,
    PRIMARY KEY (district_id, section_id, role, id)
);

-- Districts that are connected already are synced once a day from now on.
INSERT INTO lms_syncs (district_id, every, due, phase, failures)
    SELECT district_id, 86400000, 0, 'idle', 0 FROM connections;

-- Whether the roster comes from the LMS, as there is no other.
ALTER TABLE districts ADD COLUMN roster_from_lms BIGINT NOT NULL DEFAULT 0;

CREATE INDEX sections_decided ON sections (district_id) WHERE matched_by = 'hand';
CREATE INDEX users_decided ON users (district_id) WHERE matched_by = 'hand';
