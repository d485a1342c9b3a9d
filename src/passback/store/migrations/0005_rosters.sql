-- Rosters that are imported repeatedly: removed objects are only marked, so that they keep their ids if they come back.

ALTER TABLE schools ADD COLUMN removed BIGINT;
ALTER TABLE terms ADD COLUMN removed BIGINT;
ALTER TABLE courses ADD COLUMN removed BIGINT;
ALTER TABLE sections ADD COLUMN removed BIGINT;
ALTER TABLE users ADD COLUMN removed BIGINT;
ALTER TABLE terms ADD COLUMN sis_id TEXT;
ALTER TABLE courses ADD COLUMN sis_id TEXT;

CREATE UNIQUE INDEX schools_by_sis_id ON schools (district_id, sis_id);
CREATE UNIQUE INDEX terms_by_sis_id ON terms (district_id, sis_id);
CREATE UNIQUE INDEX courses_by_sis_id ON courses (district_id, sis_id);
CREATE UNIQUE INDEX sections_by_sis_id ON sections (district_id, sis_id);
CREATE UNIQUE INDEX users_by_sis_id ON users (district_id, role, sis_id);

-- Changes, for applications that follow them. `seq` counts up within a district.
CREATE TABLE roster_events (
    district_id TEXT NOT NULL REFERENCES districts (id),
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    what TEXT NOT NULL CHECK (what IN ('created', 'updated', 'deleted')),
    object_id TEXT NOT NULL,
    created BIGINT NOT NULL,
    previous TEXT,
    PRIMARY KEY (district_id, seq)
);
CREATE INDEX roster_events_by_age ON roster_events (created);

-- How often the district's roster has changed: a plan is not applied to a roster that has changed since.
ALTER TABLE districts ADD COLUMN roster_version BIGINT NOT NULL DEFAULT 0;
