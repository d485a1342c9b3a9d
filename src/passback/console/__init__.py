"""The console: what arrived, what did not and why, for the people who answer for the grades."""
