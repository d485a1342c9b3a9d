"""A simulator of PowerSchool Schoology Learning: its REST API v1, OAuth 1.0a, and event triggers."""
