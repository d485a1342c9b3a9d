-- The access token (encrypted) that a connection's refresh token was last exchanged for, which all processes use; which
-- of them is exchanging it, and until when the others wait for it.
ALTER TABLE connections ADD COLUMN issued TEXT;
ALTER TABLE connections ADD COLUMN refreshing TEXT;
ALTER TABLE connections ADD COLUMN refreshing_until BIGINT NOT NULL DEFAULT 0;
