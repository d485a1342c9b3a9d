-- Rosters that are imported again and again: what is no more is only marked, so that it has its id when it comes back.

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

-- What has changed, for applications that follow. `seq` counts up within a district.
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

-- How often the district's roster has been changed: what was planned on one that has changed since is not done.
ALTER TABLE districts ADD COLUMN roster_version BIGINT NOT NULL DEFAULT 0;
