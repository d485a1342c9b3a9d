-- What tells one of the LMS's sections from another of the same name.
ALTER TABLE match_candidates ADD COLUMN course TEXT;
ALTER TABLE match_candidates ADD COLUMN teachers TEXT;
ALTER TABLE match_candidates ADD COLUMN students BIGINT;

CREATE INDEX sections_by_lms_id ON sections (district_id, lms_id);
