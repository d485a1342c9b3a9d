"""The use cases, one file each: which section, which student, which LMS, what is allowed, what is answered."""
