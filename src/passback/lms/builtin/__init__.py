"""The built-in gradebook: a small LMS of our own, for sandboxes, tests and districts without an LMS."""
