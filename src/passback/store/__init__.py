"""The gateway's data. All SQL is here: `engine` runs it, and each other module holds that of one noun."""
