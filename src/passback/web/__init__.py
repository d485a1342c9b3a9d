"""HTTP: from bytes to a use case and back to bytes, in the contract's order of checks."""
