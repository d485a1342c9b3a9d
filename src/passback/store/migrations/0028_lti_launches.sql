-- Nonces of launches that were taken: each is good for one. They are forgotten once a launch with it would be too late.
CREATE TABLE lti_nonces (
    nonce TEXT PRIMARY KEY,
    expires BIGINT NOT NULL
);
CREATE INDEX lti_nonces_by_expiry ON lti_nonces (expires);

-- Where an application takes the people whom an LMS starts it for.
CREATE TABLE launch_addresses (
    district_id TEXT NOT NULL REFERENCES districts (id),
    application TEXT NOT NULL,
    url TEXT NOT NULL,
    created BIGINT NOT NULL,
    last_modified BIGINT NOT NULL,
    PRIMARY KEY (district_id, application)
);

-- Launches that were sent on to an application, which may exchange the code (of which only a hash is here) once.
CREATE TABLE launches (
    hash TEXT PRIMARY KEY,
    district_id TEXT NOT NULL REFERENCES districts (id),
    application TEXT NOT NULL,
    launch TEXT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX launches_by_expiry ON launches (expires);
