"""What connectors share: stable for connectors outside this package."""
