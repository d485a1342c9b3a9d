"""The operations of the simulated Canvas."""
