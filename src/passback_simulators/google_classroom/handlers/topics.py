"""A course's topics, under which course work is grouped (Classroom API v1: courses.topics)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from passback_simulators.google_classroom import access, errors, messages, parsing, wire
from passback_simulators.google_classroom.call import PAGES, Operation
from passback_simulators.google_classroom.paging import page

if TYPE_CHECKING:
    from passback_simulators.google_classroom.call import Call
    from passback_simulators.records import Record

_LONGEST_TOPIC = 100


def _shown_topic(topic: Record) -> dict[str, Any]:
    return {
        "courseId": topic["course_id"], "topicId": topic["id"], "name": topic["name"],
        "updateTime": wire.timestamp(topic["updated"]),
    }  # fmt: skip


def of(call: Call, course: Record) -> list[Record]:
    """A course's topics."""
    return [one for one in call.lms.records.all("topics") if one["course_id"] == course["id"]]


def _topic(call: Call, course: Record, topic_id: str) -> Record:
    found = call.lms.records.get("topics", topic_id)
    if found is None or found["course_id"] != course["id"]:
        raise errors.not_found()
    return found


def _topic_name(call: Call, course: Record, *, taken: Any) -> str:
    name = " ".join(call.body.get("name", "").split())
    if not name or len(name) > _LONGEST_TOPIC:
        raise errors.invalid(field="topic.name")
    if any(one["name"] == name for one in of(call, course)):
        raise taken
    return name


def _create_topic(call: Call, course_id: str) -> dict[str, Any]:
    course = access.readable_course(call, course_id)
    access.require_teacher(call, course)
    access.require_modifiable(course)
    name = _topic_name(call, course, taken=errors.already_exists())
    topic_id = str(call.lms.records.next_number("topic", 714_000_000_101))
    topic = {"id": topic_id, "course_id": course["id"], "name": name, "updated": call.lms.clock()}
    return _shown_topic(call.lms.records.put("topics", topic_id, topic))


def _patch_topic(call: Call, course_id: str, topic_id: str) -> dict[str, Any]:
    course = access.readable_course(call, course_id)
    topic = _topic(call, course, topic_id)
    parsing.update_mask(call.param("updateMask"), frozenset({"name"}))
    access.require_teacher(call, course)
    access.require_modifiable(course)
    name = _topic_name(call, course, taken=errors.failed_precondition())
    changed = topic | {"name": name, "updated": call.lms.clock()}
    return _shown_topic(call.lms.records.put("topics", topic_id, changed))


def _delete_topic(call: Call, course_id: str, topic_id: str) -> dict[str, Any]:
    course = access.readable_course(call, course_id)
    _topic(call, course, topic_id)
    access.require_teacher(call, course)
    access.require_modifiable(course)
    call.lms.records.remove("topics", topic_id)
    for work in call.lms.records.all("course_work"):
        if work["topic_id"] == topic_id:
            call.lms.records.put("course_work", work["id"], work | {"topic_id": None})
    return {}


def _get_topic(call: Call, course_id: str, topic_id: str) -> dict[str, Any]:
    return _shown_topic(_topic(call, access.readable_course(call, course_id), topic_id))


def _list_topics(call: Call, course_id: str) -> dict[str, Any]:
    topics = of(call, access.readable_course(call, course_id))
    return page(call, "topic", [_shown_topic(one) for one in topics])


_READ = ("classroom.topics", "classroom.topics.readonly")
_WRITE = ("classroom.topics",)
_TOPICS = "/v1/courses/{courseId}/topics"
_TOPIC = f"{_TOPICS}/{{id}}"

OPERATIONS = (
    Operation("GET", _TOPICS, "Topics.ListTopics", _READ, _list_topics, PAGES, response=messages.TOPICS),
    Operation("POST", _TOPICS, "Topics.CreateTopic", _WRITE, _create_topic,
              message=messages.TOPIC, field="topic", response=messages.TOPIC),
    Operation("GET", _TOPIC, "Topics.GetTopic", _READ, _get_topic, response=messages.TOPIC),
    Operation("PATCH", _TOPIC, "Topics.UpdateTopic", _WRITE, _patch_topic,
              ("updateMask",), messages.TOPIC, "topic", messages.TOPIC),
    Operation("DELETE", _TOPIC, "Topics.DeleteTopic", _WRITE, _delete_topic),
)  # fmt: skip
