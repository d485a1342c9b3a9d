-- Who made, changed or revoked what. It is never changed, and stays when its district is deleted (so its column is not
-- called district_id).
CREATE TABLE audit (
    id TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    -- A command's user, an application, or the gateway itself.
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    object_id TEXT NOT NULL,
    district TEXT NOT NULL,
    -- Never a secret.
    detail TEXT NOT NULL
);
