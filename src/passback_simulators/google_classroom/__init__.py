"""A simulator of Google Classroom's API v1 and of the parts of Google's OAuth that it needs."""
