-- Removals that wait for a person, because they are too many: how many of each kind, and since when some wait.

CREATE TABLE held_back (
    district_id TEXT NOT NULL REFERENCES districts (id),
    what TEXT NOT NULL CHECK (what IN ('removals', 'unmatching')),
    kind TEXT NOT NULL,
    count BIGINT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (district_id, what, kind)
);
