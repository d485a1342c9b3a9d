"""Slate, an LMS that does not exist: a finished connector and its simulator, as short as they can be.

Nothing imports them; `passback connector example` prints them.
"""
