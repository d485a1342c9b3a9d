"""Speaking to servers that somebody outside names, and only to those on the public network."""
