"""The database engine: SQLite and PostgreSQL behind one interface, migrations, and the vault for secrets."""
