"""The headers of answers."""

from __future__ import annotations

from passback.wire.openapi.schemas import Schema
from passback.wire.operations import Operation
from passback.wire.warnings import MEANINGS

HEADERS: Schema = {
    "X-Ratelimit-Bucket": {
        "schema": {"type": "string"},
        "description": "Which requests are counted together.",
    },
    "X-Ratelimit-Limit": {"schema": {"type": "integer"}, "description": "Requests allowed per minute."},
    "X-Ratelimit-Remaining": {"schema": {"type": "integer"}, "description": "Requests left this minute."},
    "X-Ratelimit-Reset": {
        "schema": {"type": "integer"},
        "description": "When the next minute begins, in seconds since 1970.",
    },
    "Passback-Warnings": {
        "schema": {"type": "string"},
        "description": "What was ignored or adjusted, comma-separated: "
        + ", ".join(f"`{form}`" for form in MEANINGS)
        + ".",
    },
    "Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait before trying again."},
    "Preference-Applied": {
        "schema": {"type": "string"},
        "description": "Confirms that the change is delivered in the background, as requested; absent if it was not "
        "requested, but has to wait for the create of its assignment.",
    },
    "Idempotent-Replayed": {
        "schema": {"type": "string"},
        "description": "The answer is that to an earlier request with the same `Idempotency-Key`, repeated.",
    },
    "Location": {"schema": {"type": "string"}, "description": "Where to follow the delivery."},
    "Allow": {"schema": {"type": "string"}, "description": "The supported methods."},
}


def header_references(*names: str) -> Schema:
    """References to these headers."""
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


RATE_LIMIT = tuple(name for name in HEADERS if name.startswith("X-Ratelimit-"))
"""The headers of every answer to a good token."""


def replayed(operation: Operation) -> tuple[str, ...]:
    """The header of an answer that may repeat an earlier one."""
    return ("Idempotent-Replayed",) if operation.name == "create_assignment" else ()
