-- Only what SQLite and PostgreSQL share. Times are milliseconds since 1970 in UTC, numbers chosen by a client
-- are decimal text (exact), lists are JSON text, flags are 0 or 1.

CREATE TABLE districts (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    lms_type TEXT NOT NULL,
    lms_state TEXT NOT NULL,
    last_lms_sync BIGINT,
    lms_matched_percentage TEXT NOT NULL,
    created BIGINT NOT NULL,
    last_modified BIGINT NOT NULL
);

CREATE TABLE schools (
    id TEXT PRIMARY KEY,
    district_id TEXT NOT NULL REFERENCES districts (id),
    name TEXT NOT NULL,
    sis_id TEXT,
    school_number TEXT,
    created BIGINT NOT NULL,
    last_modified BIGINT NOT NULL
);
CREATE INDEX schools_by_district ON schools (district_id, id);

CREATE TABLE terms (
    id TEXT PRIMARY KEY,
    district_id TEXT NOT NULL REFERENCES districts (id),
    name TEXT NOT NULL,
    start_date TEXT,
    end_date TEXT
);
CREATE INDEX terms_by_district ON terms (district_id, id);

CREATE TABLE courses (
    id TEXT PRIMARY KEY,
    district_id TEXT NOT NULL REFERENCES districts (id),
    name TEXT NOT NULL,
    number TEXT
);
CREATE INDEX courses_by_district ON courses (district_id, id);

CREATE TABLE sections (
    id TEXT PRIMARY KEY,
    district_id TEXT NOT NULL REFERENCES districts (id),
    name TEXT NOT NULL,
    school_id TEXT REFERENCES schools (id),
    course_id TEXT REFERENCES courses (id),
    term_id TEXT REFERENCES terms (id),
    sis_id TEXT,
    section_number TEXT,
    subject TEXT,
    grade TEXT,
    period TEXT,
    lms_id TEXT,
    created BIGINT NOT NULL,
    last_modified BIGINT NOT NULL
);
CREATE INDEX sections_by_district ON sections (district_id, id);

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    district_id TEXT NOT NULL REFERENCES districts (id),
    role TEXT NOT NULL CHECK (role IN ('student', 'teacher')),
    first_name TEXT NOT NULL,
    middle_name TEXT,
    last_name TEXT NOT NULL,
    email TEXT,
    sis_id TEXT,
    school_id TEXT REFERENCES schools (id),
    grade TEXT,
    lms_id TEXT,
    created BIGINT NOT NULL,
    last_modified BIGINT NOT NULL
);
CREATE INDEX users_by_district ON users (district_id, id);
CREATE INDEX users_by_lms_id ON users (district_id, lms_id);

CREATE TABLE enrollments (
    section_id TEXT NOT NULL REFERENCES sections (id),
    user_id TEXT NOT NULL REFERENCES users (id),
    role TEXT NOT NULL CHECK (role IN ('student', 'teacher')),
    PRIMARY KEY (section_id, role, user_id)
);
CREATE INDEX enrollments_by_user ON enrollments (user_id);

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    district_id TEXT NOT NULL REFERENCES districts (id),
    application TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    created BIGINT NOT NULL,
    expires BIGINT,
    revoked BIGINT
);

-- The gateway's record of an assignment: its id in the LMS. The rest is read from the LMS.
CREATE TABLE assignments (
    id TEXT PRIMARY KEY,
    section_id TEXT NOT NULL REFERENCES sections (id),
    lms_id TEXT NOT NULL,
    deleted BIGINT
);
CREATE INDEX assignments_by_section ON assignments (section_id, id);

-- The built-in gradebook: an LMS of our own. Its sections and people are those of the roster.
CREATE TABLE gradebook_assignments (
    id TEXT PRIMARY KEY,
    section_id TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    description_plaintext TEXT,
    points_possible TEXT,
    grading_type TEXT NOT NULL CHECK (grading_type IN ('points', 'percent', 'pass_fail', 'letter_grade')),
    submission_types TEXT NOT NULL,
    due_date BIGINT NOT NULL,
    start_date BIGINT,
    display_date BIGINT,
    end_date BIGINT,
    max_attempts BIGINT,
    assignee_mode TEXT NOT NULL CHECK (assignee_mode IN ('all', 'individuals')),
    assignee_ids TEXT NOT NULL,
    attachments TEXT NOT NULL,
    term_id TEXT,
    published SMALLINT NOT NULL CHECK (published IN (0, 1)),
    created BIGINT NOT NULL,
    last_modified BIGINT NOT NULL
);
CREATE INDEX gradebook_assignments_by_section ON gradebook_assignments (section_id, id);

-- A student's row is written when something first happens to the submission; until then it is as assigned.
CREATE TABLE gradebook_submissions (
    assignment_id TEXT NOT NULL REFERENCES gradebook_assignments (id) ON DELETE CASCADE,
    student_id TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('created', 'submitted', 'returned', 'reclaimed')),
    submitted BIGINT,
    attempts BIGINT NOT NULL,
    extra_attempts BIGINT,
    grade TEXT,
    grade_points TEXT,
    grader_id TEXT,
    excused SMALLINT NOT NULL CHECK (excused IN (0, 1)),
    override_due_date BIGINT,
    attachments TEXT NOT NULL,
    last_modified BIGINT NOT NULL,
    PRIMARY KEY (assignment_id, student_id)
);

CREATE TABLE gradebook_comments (
    assignment_id TEXT NOT NULL,
    student_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    author_id TEXT,
    comment TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (assignment_id, student_id, position),
    FOREIGN KEY (assignment_id, student_id)
        REFERENCES gradebook_submissions (assignment_id, student_id) ON DELETE CASCADE
);
