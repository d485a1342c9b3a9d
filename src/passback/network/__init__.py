"""Requests to servers that outsiders name, restricted to the public network."""
