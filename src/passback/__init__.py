"""Passback: one API call puts an assignment or a grade into whichever LMS the school district uses."""

__version__ = "0.1.0"
