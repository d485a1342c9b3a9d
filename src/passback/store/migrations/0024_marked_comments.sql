-- The delivery that left a comment; null for a command's.
ALTER TABLE gradebook_comments ADD COLUMN mark TEXT;
