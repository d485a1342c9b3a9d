"""HTTP to an LMS as every connector needs it: bounded, paced, retried only if that is safe."""
