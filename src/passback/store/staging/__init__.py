"""A new roster: staged in temporary tables, checked, compared with the current one, applied and matched."""
