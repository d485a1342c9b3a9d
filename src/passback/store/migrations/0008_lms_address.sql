-- The address of the LMS whose ids the matches use; it stays when the connection is removed.
ALTER TABLE districts ADD COLUMN lms_address TEXT;
UPDATE districts SET lms_address =
    (SELECT address FROM connections WHERE connections.district_id = districts.id);
