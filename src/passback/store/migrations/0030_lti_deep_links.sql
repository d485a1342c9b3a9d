-- Teachers who choose one of an application's activities in an LMS: what the LMS wants to know of it, and the
-- application's choice once there is one. The code is that of the launch, the ticket takes the browser back; of both only
-- a hash is here.
CREATE TABLE deep_links (
    hash TEXT PRIMARY KEY,
    district_id TEXT NOT NULL REFERENCES districts (id),
    application TEXT NOT NULL,
    request TEXT NOT NULL,
    choice TEXT,
    ticket TEXT UNIQUE,
    expires BIGINT NOT NULL
);
CREATE INDEX deep_links_by_expiry ON deep_links (expires);

-- Activities that were chosen in a course of an LMS: each is to become the assignment of that id.
CREATE TABLE chosen_activities (
    assignment_id TEXT PRIMARY KEY,
    district_id TEXT NOT NULL REFERENCES districts (id),
    lms_section_id TEXT NOT NULL
);
