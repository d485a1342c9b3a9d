"""What the tests share: servers, simulators, databases, and the world that they are set up with."""
