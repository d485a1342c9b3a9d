-- No two of ours may be matched to the same object in the LMS.
UPDATE users SET lms_id = NULL, matched_by = NULL WHERE removed IS NULL AND EXISTS (SELECT 1 FROM users AS other
    WHERE other.district_id = users.district_id AND other.lms_id = users.lms_id AND other.role = users.role
    AND other.removed IS NULL AND other.id < users.id);
UPDATE sections SET lms_id = NULL, matched_by = NULL WHERE removed IS NULL AND EXISTS (SELECT 1 FROM sections AS other
    WHERE other.district_id = sections.district_id AND other.lms_id = sections.lms_id
    AND other.removed IS NULL AND other.id < sections.id);
DROP INDEX users_by_lms_id;
DROP INDEX sections_by_lms_id;
CREATE UNIQUE INDEX users_by_lms_id ON users (district_id, lms_id, role) WHERE removed IS NULL;
CREATE UNIQUE INDEX sections_by_lms_id ON sections (district_id, lms_id) WHERE removed IS NULL;
