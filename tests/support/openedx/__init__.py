"""Open edX as far as LTI goes: its own code, `lti_consumer`, as a small server of its own process.

`server` is that process; `edxapp`, `models` and `views` are what edx-platform itself would be to `lti_consumer`.
`started` is what tests use; of the rest they import only `course`.
"""
