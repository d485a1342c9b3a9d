-- What a look last saw of an assignment (user_id is empty) or of a student's grade: a digest, and when.
CREATE TABLE lms_seen (
    section_id TEXT NOT NULL,
    assignment_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    seen BIGINT NOT NULL,
    PRIMARY KEY (assignment_id, user_id)
);
CREATE INDEX lms_seen_of_section ON lms_seen (section_id);
-- Since when a district's LMS is down, and the last roster event that webhooks were told of.
ALTER TABLE districts ADD COLUMN lms_down BIGINT;
ALTER TABLE districts ADD COLUMN roster_told BIGINT;
