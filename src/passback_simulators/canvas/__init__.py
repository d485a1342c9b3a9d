"""Canvas, simulated: its REST API as Instructure documents it, with the traps that its users report."""
