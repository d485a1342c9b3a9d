-- The calls of each application, by kind (store/calls.py).
CREATE INDEX deliveries_called ON deliveries (district_id, application, operation, id) WHERE batch_id IS NULL;
