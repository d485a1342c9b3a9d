"""What the gateway is about, whatever the LMS and the database: frozen data and rules."""
