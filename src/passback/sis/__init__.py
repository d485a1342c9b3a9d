"""A district's roster as its student information system (SIS) exports it: files in, rows out."""
