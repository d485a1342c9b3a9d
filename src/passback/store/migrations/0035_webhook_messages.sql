-- The messages of a webhook, the newest first.
CREATE INDEX deliveries_of_webhook ON deliveries (party, id) WHERE operation = 'send_webhook';
