-- The keys that the gateway signs with as an LTI tool: the next one, the one that signs, and those that signed before,
-- which are published until nothing that they have signed is valid any more.
CREATE TABLE lti_keys (
    id TEXT PRIMARY KEY,
    -- PKCS #8, encrypted (store/engine/vault.py).
    private TEXT NOT NULL,
    -- A JWK.
    public TEXT NOT NULL,
    published BIGINT NOT NULL,
    -- Null for the next one.
    signs_since BIGINT,
    -- When it ceased to sign.
    retired BIGINT
);
