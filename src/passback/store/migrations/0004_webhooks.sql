-- Where applications receive events. The secrets are encrypted (store/engine/vault.py).
CREATE TABLE webhooks (
    id TEXT PRIMARY KEY,
    district_id TEXT NOT NULL REFERENCES districts (id),
    application TEXT NOT NULL,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    secret TEXT NOT NULL,
    secret_before TEXT,
    secret_before_until BIGINT,
    disabled BIGINT,
    created BIGINT NOT NULL,
    last_modified BIGINT NOT NULL
);
CREATE INDEX webhooks_by_application ON webhooks (district_id, application, id);
