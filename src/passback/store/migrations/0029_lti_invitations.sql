-- Links by which an LMS registers the gateway: each connects one district, or makes a new one, once.
CREATE TABLE lti_invitations (
    hash TEXT PRIMARY KEY,
    district_id TEXT REFERENCES districts (id),
    -- Of a new district.
    name TEXT NOT NULL,
    family TEXT NOT NULL,
    address TEXT NOT NULL,
    expires BIGINT NOT NULL
);
