"""A simulated LMS that offers LTI 1.3 Advantage: its services for grades (AGS 2.0) and class lists (NRPS 2.0)."""
