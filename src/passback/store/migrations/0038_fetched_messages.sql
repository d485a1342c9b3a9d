-- Webhooks without an address, whose application fetches the messages: when it last did.
ALTER TABLE webhooks ADD COLUMN fetched BIGINT;
CREATE INDEX deliveries_to_fetch ON deliveries (party, id) WHERE operation = 'send_webhook' AND untold = 1;
