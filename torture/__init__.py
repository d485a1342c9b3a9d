"""Trying to break the promise: no grade is ever lost, and none arrives twice."""
