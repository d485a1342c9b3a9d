-- When a request last came with a token, to about a minute.
ALTER TABLE tokens ADD COLUMN used BIGINT;
