-- When a section's assignments are next looked for in the LMS, so that what was deleted there is noticed.
CREATE TABLE assignment_looks (
    section_id TEXT PRIMARY KEY,
    -- 0 until a time is chosen: those of an older file are spread over a day.
    due BIGINT NOT NULL,
    looked BIGINT NOT NULL
);
CREATE INDEX assignment_looks_due ON assignment_looks (due);
INSERT INTO assignment_looks (section_id, due, looked)
    SELECT DISTINCT section_id, 0, 0 FROM assignments WHERE deleted IS NULL AND gone IS NULL;

-- When a look first missed it, if the LMS may have hidden it rather than deleted it.
ALTER TABLE assignments ADD COLUMN missed BIGINT;
