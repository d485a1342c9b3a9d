-- Why a candidate was not matched without asking.
ALTER TABLE match_candidates ADD COLUMN reason TEXT;

-- The kind of number that the LMS has as its SIS ids; null if the matching finds out.
ALTER TABLE districts ADD COLUMN match_by TEXT;
