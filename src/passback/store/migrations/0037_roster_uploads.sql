-- Rosters that were uploaded in the console: each is checked, shown, and then applied or forgotten.
CREATE TABLE roster_uploads (
    id TEXT PRIMARY KEY,
    district_id TEXT NOT NULL REFERENCES districts (id),
    -- Who uploaded it.
    actor TEXT NOT NULL,
    -- What it is called, and where it is kept meanwhile: on the machine that it was uploaded to.
    name TEXT NOT NULL,
    path TEXT NOT NULL,
    state TEXT NOT NULL,
    -- When the process that works on it last said so.
    beat BIGINT NOT NULL,
    -- What was found, as JSON; empty until then.
    report TEXT NOT NULL,
    created BIGINT NOT NULL
);
CREATE INDEX roster_uploads_by_district ON roster_uploads (district_id, id);
