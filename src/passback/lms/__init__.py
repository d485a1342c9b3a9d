"""The learning management systems: one folder each, all behind the interface in `connector`."""
