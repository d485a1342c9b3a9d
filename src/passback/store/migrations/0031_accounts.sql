-- People who sign in to the console. An account of no district is for all of them.
CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    -- What they sign in with, in lower case: often an e-mail address.
    name TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    -- Not a reference: a sandbox that is reset keeps its accounts.
    district_id TEXT,
    -- The teacher of the roster who it is.
    user_id TEXT,
    -- By argon2id; null if they sign in elsewhere.
    password_hash TEXT,
    -- Who they are to the OpenID Connect provider.
    issuer TEXT,
    subject TEXT,
    created BIGINT NOT NULL,
    disabled BIGINT,
    signed_in BIGINT,
    UNIQUE (issuer, subject)
);
CREATE INDEX accounts_by_district ON accounts (district_id) WHERE district_id IS NOT NULL;

-- Who is signed in. Only a hash of what the browser keeps is here.
CREATE TABLE account_sessions (
    hash TEXT PRIMARY KEY,
    account_id TEXT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    -- What forms of this session prove themselves with.
    csrf TEXT NOT NULL,
    created BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX account_sessions_by_account ON account_sessions (account_id);
CREATE INDEX account_sessions_by_expiry ON account_sessions (expires);

-- Sign-ins that failed of late, by name and by address, to slow down whoever guesses.
CREATE TABLE sign_in_failures (
    who TEXT PRIMARY KEY,
    failures BIGINT NOT NULL,
    since BIGINT NOT NULL
);
