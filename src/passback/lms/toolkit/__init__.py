"""The toolkit for connectors: helpers that most LMSs need, stable for connectors outside this package.

- `unsupported_fields`: keep what the LMS has no place for in notes, and restore it from there
- `points`: from a grade's text to points and back; refuse what the LMS cannot do
- `transitions`: which states of a submission can follow each other
- `json_fields`: read an LMS's JSON tolerantly
- `html`: between HTML and plain text
- `alike`: whether what an LMS stores may be what it was sent
- `ttl_cache`: remember for a few minutes what rarely changes
"""
