-- What distinguishes sections of the LMS with the same name.
ALTER TABLE match_candidates ADD COLUMN course TEXT;
ALTER TABLE match_candidates ADD COLUMN teachers TEXT;
ALTER TABLE match_candidates ADD COLUMN students BIGINT;

CREATE INDEX sections_by_lms_id ON sections (district_id, lms_id);
