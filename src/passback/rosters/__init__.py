"""Rosters: importing them, reading them from the LMS, matching, and following their changes."""
