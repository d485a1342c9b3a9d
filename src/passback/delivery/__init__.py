"""How what was accepted gets to where it belongs: the rules, and the work in the background."""
