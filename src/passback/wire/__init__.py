"""The contract: bytes to request objects or published errors, and answers to bytes. Imports nothing else of ours."""
