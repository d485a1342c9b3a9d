-- Changes that wait for the create of their assignment.
CREATE INDEX deliveries_held ON deliveries (assignment_id, party, id)
    WHERE state = 'waiting' AND due IS NULL AND operation <> 'update_submissions';
