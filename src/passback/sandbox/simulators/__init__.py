"""Simulators of LMSs: small servers that behave as the real ones' APIs do, faults included."""
