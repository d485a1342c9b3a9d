-- People have several numbers besides their SIS id, which an LMS may know them by.

-- A student's number, or a teacher's.
ALTER TABLE users ADD COLUMN number TEXT;
ALTER TABLE users ADD COLUMN state_id TEXT;
ALTER TABLE users ADD COLUMN username TEXT;

-- Look-ups by what an application knows of a person. Addresses are compared without regard to case.
CREATE INDEX users_by_number ON users (district_id, number, id) WHERE number IS NOT NULL;
CREATE INDEX users_by_email ON users (district_id, LOWER(email), id) WHERE email IS NOT NULL;
