-- What people search by (store/search.py).

CREATE INDEX users_by_last_name ON users (district_id, LOWER(last_name), id);
CREATE INDEX users_by_first_name ON users (district_id, LOWER(first_name), id);

-- An assignment's title, as an app last set it, and the district of its section.
ALTER TABLE assignments ADD COLUMN title TEXT;
ALTER TABLE assignments ADD COLUMN district_id TEXT;
UPDATE assignments SET
    title = (SELECT title FROM gradebook_assignments WHERE gradebook_assignments.id = assignments.lms_id),
    district_id = (SELECT district_id FROM sections WHERE sections.id = assignments.section_id);
CREATE INDEX assignments_by_title ON assignments (district_id, LOWER(title), id);
CREATE INDEX assignments_by_lms_id ON assignments (district_id, lms_id);

CREATE INDEX deliveries_of_person ON deliveries (user_id, assignment_id, id) WHERE assignment_id IS NOT NULL;
-- The ids that clients give their requests themselves. Ours tell the time, and are found by it.
CREATE INDEX deliveries_of_request ON deliveries (request_id) WHERE SUBSTR(request_id, 15, 1) <> '7';
