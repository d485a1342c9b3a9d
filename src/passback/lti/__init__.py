"""The gateway as an LTI 1.3 tool: whom an LMS starts it for, and where that person goes on to."""
