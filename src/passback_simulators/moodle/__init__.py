"""Moodle, as its web services for grading show it."""
