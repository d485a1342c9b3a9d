-- Changes that wait for the create of their assignment.
CREATE INDEX deliveries_held ON deliveries (assignment_id, party, id)
    WHERE state = 'waiting' AND due IS NULL AND operation <> 'update_submissions';

-- The LMS's section in which an assignment was made: if ours is matched to another since, it is not there.
ALTER TABLE assignments ADD COLUMN lms_section_id TEXT;
UPDATE assignments SET lms_section_id = (SELECT lms_id FROM sections WHERE sections.id = assignments.section_id);

-- The LMS's section for which a create was accepted: it may be there, if the create is in doubt.
ALTER TABLE deliveries ADD COLUMN lms_section_id TEXT;
