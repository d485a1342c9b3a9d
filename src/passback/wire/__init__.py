"""The contract: bytes to request objects or published errors, and answers to bytes. It imports nothing of ours."""
