"""HTTP: bytes to a use case and its answer back to bytes, in the contract's order of checks."""
