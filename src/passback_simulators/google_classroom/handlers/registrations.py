"""Registrations for push notifications (Classroom API v1: registrations).

They are stored, but nothing is published: Cloud Pub/Sub is not part of this simulator.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Any

import msgspec

from passback_simulators.google_classroom import access, errors, messages, wire
from passback_simulators.google_classroom.call import Operation

if TYPE_CHECKING:
    from passback_simulators.google_classroom.call import Call

LIFETIME_MS = 7 * 86_400_000

_COURSE_OF = {
    "COURSE_ROSTER_CHANGES": "courseRosterChangesInfo",
    "COURSE_WORK_CHANGES": "courseWorkChangesInfo",
}


def _create(call: Call) -> dict[str, Any]:
    """Register for a feed, or renew: the same registration keeps its id. A user must consent; delegation is refused."""
    feed, topic = call.body.get("feed", {}), call.body.get("cloudPubsubTopic", {})
    if not re.fullmatch(r"projects/[^/]+/topics/[^/]+", topic.get("topicName", "")):
        raise errors.invalid(field="registration.cloud_pubsub_topic")
    kind = feed.get("feedType")
    if kind is None:
        raise errors.invalid(field="registration.feed")
    if call.grant.delegated:
        raise errors.named("MissingGrant")
    if kind == "DOMAIN_ROSTER_CHANGES":
        if not access.is_admin(call):
            raise errors.denied()
    else:
        course = access.find_course(call, feed.get(_COURSE_OF[kind], {}).get("courseId", ""))
        if not access.sees_all(call, course):
            raise errors.denied()
    same = msgspec.json.encode([call.user["id"], call.grant.project, feed, topic], order="deterministic")
    id_ = hashlib.sha256(same).hexdigest()[:24]
    expires = call.lms.clock() + LIFETIME_MS
    row = {"id": id_, "user_id": call.user["id"], "project": call.grant.project, "feed": feed, "topic": topic}
    call.lms.records.put("registrations", id_, row | {"expires": expires})
    return {
        "registrationId": id_,
        "feed": feed,
        "cloudPubsubTopic": topic,
        "expiryTime": wire.timestamp(expires),
    }


def _delete(call: Call, registration_id: str) -> dict[str, Any]:
    row = call.lms.records.get("registrations", registration_id)
    if row is None or row["project"] != call.grant.project:
        raise errors.not_found()
    call.lms.records.remove("registrations", registration_id)
    return {}


_SCOPES = ("classroom.push-notifications",)

OPERATIONS = (
    Operation("POST", "/v1/registrations", "Registrations.CreateRegistration", _SCOPES, _create,
              message=messages.REGISTRATION, field="registration", response=messages.REGISTRATION),
    Operation("DELETE", "/v1/registrations/{registrationId}", "Registrations.DeleteRegistration", _SCOPES, _delete),
)  # fmt: skip
