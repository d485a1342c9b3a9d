"""The sandbox: districts that are always the same, for building and testing an integration."""
