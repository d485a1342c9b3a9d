"""The operations of the services."""
