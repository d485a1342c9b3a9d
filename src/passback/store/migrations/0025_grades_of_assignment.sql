-- The grades of an assignment that wait: they go together.
CREATE INDEX deliveries_of_assignment ON deliveries (assignment_id, due, id)
    WHERE state = 'waiting' AND operation = 'update_submission' AND fault IS NULL;
