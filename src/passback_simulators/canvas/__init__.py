"""Canvas, simulated: its REST API as Instructure documents it, with the pitfalls that its users report."""
