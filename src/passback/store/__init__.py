"""What the gateway remembers. All SQL is here: `database` runs it, and each other module has one noun's."""
