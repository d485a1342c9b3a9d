"""How fast the server is, beside a bare application on the same server: ``make bench``."""
