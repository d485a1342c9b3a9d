-- Removals that wait for a person, because they are too many: how many of each kind, and since when some wait.

CREATE TABLE held_back (
    district_id TEXT NOT NULL REFERENCES districts (id),
    what TEXT NOT NULL CHECK (what IN ('removals', 'unmatching')),
    kind TEXT NOT NULL,
    count BIGINT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (district_id, what, kind)
);

-- The rows of the last complete OneRoster files with all changes since: delta files are applied to them. `data` has the
-- values of the columns that an import reads, as a list.
CREATE TABLE roster_rows (
    district_id TEXT NOT NULL REFERENCES districts (id),
    file TEXT NOT NULL,
    id TEXT NOT NULL,
    -- When the system that exports it last changed it; null if it does not say.
    modified BIGINT,
    -- 1 if it has been removed.
    gone BIGINT NOT NULL,
    data TEXT NOT NULL,
    PRIMARY KEY (district_id, file, id)
);
CREATE TABLE roster_sources (
    district_id TEXT NOT NULL REFERENCES districts (id),
    file TEXT NOT NULL,
    -- The version of OneRoster.
    version TEXT NOT NULL,
    -- The newest change that was imported, and that had been when the file was last complete.
    newest BIGINT,
    baseline BIGINT,
    PRIMARY KEY (district_id, file)
);
