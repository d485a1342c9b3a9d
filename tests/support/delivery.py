"""What the tests of delivery share."""

from __future__ import annotations

from typing import Any

import msgspec

from passback.domain.clock import HOUR
from passback.domain.delivery import Delivery
from support.sandbox import DISTRICT, NOW, SECTION, STUDENT


def delivery(delivery_id: str, content: dict[str, Any] | None = None, **changes: Any) -> Delivery:
    """A delivery of a grade in the background."""
    values: dict[str, Any] = {
        "district_id": DISTRICT,
        "application": "App",
        "operation": "update_submission",
        "section_id": SECTION,
        "assignment_id": "a1",
        "user_id": STUDENT,
        "destination": DISTRICT,
        "lane": "submission/a1/u1",
        "rank": NOW,
        "content": msgspec.json.encode({"grade_points": "5"} if content is None else content).decode(),
        "background": True,
        "state": "waiting",
        "created": NOW,
        "due": NOW,
        "expires": NOW + 72 * HOUR,
        **changes,
    }
    return Delivery(id=delivery_id, **values)
