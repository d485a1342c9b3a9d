-- The roster's version, and what tells the files it was last imported from, if all of them was taken as it is: the same
-- files would change nothing.
ALTER TABLE districts ADD COLUMN roster_files TEXT;
