-- The first and the last attempts of each delivery (store/attempts.py).
CREATE TABLE delivery_attempts (
    delivery_id TEXT NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
    -- The last attempts take turns in the places after the first ones.
    slot BIGINT NOT NULL,
    number BIGINT NOT NULL,
    began BIGINT,
    ended BIGINT NOT NULL,
    result TEXT NOT NULL,
    status BIGINT,
    said TEXT,
    exchanges TEXT NOT NULL,
    PRIMARY KEY (delivery_id, slot)
) WITHOUT ROWID;

-- What was asked with a key, and what people did about it, by the delivery.
CREATE INDEX idempotency_keys_by_delivery ON idempotency_keys (delivery_id);
CREATE INDEX audit_by_object ON audit (object_id, id);
