-- The names of the LMS's accounts that somebody is matched to, as they were last read, or as a person saw them.
CREATE TABLE lms_accounts (
    district_id TEXT NOT NULL REFERENCES districts (id),
    role TEXT NOT NULL,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    PRIMARY KEY (district_id, role, id)
);

-- 1 if it was the match until it was withdrawn: it stays a candidate, whether or not any sign still speaks for it.
ALTER TABLE match_candidates ADD COLUMN withdrawn BIGINT NOT NULL DEFAULT 0;

-- How well each kind of number fits the LMS's SIS ids, as the last sync found it: how many people of the roster there
-- are, and how many have one account by it.
CREATE TABLE number_fits (
    district_id TEXT NOT NULL REFERENCES districts (id),
    role TEXT NOT NULL,
    kind TEXT NOT NULL,
    people BIGINT NOT NULL,
    fits BIGINT NOT NULL,
    -- How many of these have the account's name, too.
    named_alike BIGINT NOT NULL,
    -- Why it counts as the LMS's SIS id: 'fits' or 'named'; null if it does not.
    chosen TEXT,
    PRIMARY KEY (district_id, role, kind)
);
