-- Districts take turns: one with many sections that are due does not keep the others waiting.
ALTER TABLE assignment_looks ADD COLUMN district_id TEXT NOT NULL DEFAULT '';
UPDATE assignment_looks
    SET district_id = COALESCE((SELECT district_id FROM sections WHERE id = assignment_looks.section_id), '');
DELETE FROM assignment_looks WHERE district_id = '';
CREATE INDEX assignment_looks_of_district ON assignment_looks (district_id, due);

-- Until when a process looks at it: what is requested in the meantime comes after that.
ALTER TABLE assignment_looks ADD COLUMN busy_until BIGINT NOT NULL DEFAULT 0;
