"""Bringing to others what was promised."""
