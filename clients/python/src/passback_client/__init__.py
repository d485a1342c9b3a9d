"""A client of Passback: one API call puts an assignment or a grade into the district's LMS.

`Passback` waits for each answer, `AsyncPassback` does not block; otherwise they are the same.
"""

from __future__ import annotations

from passback_client import errors, models, webhooks
from passback_client._async.client import AsyncPassback
from passback_client._calls import __version__
from passback_client._sync.client import Passback
from passback_client.errors import Error, Pending, Refused, Unavailable
from passback_client.models import Accepted

__all__ = [
    "Accepted",
    "AsyncPassback",
    "Error",
    "Passback",
    "Pending",
    "Refused",
    "Unavailable",
    "__version__",
    "errors",
    "models",
    "webhooks",
]
