"""The operations of the simulated Schoology."""
