"""The JSON Schemas of what goes in and out, for the OpenAPI document.

Enumerations come from `validate`; tests hold the fields to those of `requests`, `responses` and `roster`.
"""

from __future__ import annotations

from typing import Any

from passback.wire import events, validate

Schema = dict[str, Any]


def _text(description: str, **more: Any) -> Schema:
    return {"type": "string", "description": description, **more}


def _date(description: str) -> Schema:
    return {"type": "string", "format": "date-time", "description": description}


def _one_of(values: tuple[str, ...], description: str) -> Schema:
    return {"type": "string", "enum": list(values), "description": description}


def _whole(description: str) -> Schema:
    return {"type": "integer", "minimum": 0, "description": description}


def _list(items: Schema, description: str) -> Schema:
    return {"type": "array", "items": items, "description": description}


def object_of(properties: Schema, *, required: tuple[str, ...] = (), description: str = "") -> Schema:
    """An object with just these properties."""
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = list(required)
    if description:
        schema["description"] = description
    return schema


def reference(name: str) -> Schema:
    """A reference to one of `schemas`."""
    return {"$ref": f"#/components/schemas/{name}"}


def _nullable(schema: Schema) -> Schema:
    """Null is as good as absent in every request."""
    nullable = {**schema, "type": [schema["type"], "null"]}
    if "enum" in schema:
        nullable["enum"] = [*schema["enum"], None]
    return nullable


DELIVERY_STATES = ("waiting", "delivering", "delivered", "refused", "expired", "failed", "cancelled")
DELIVERY_OPERATIONS = (
    "create_assignment",
    "update_assignment",
    "delete_assignment",
    "update_submission",
    "update_submissions",
)
MONGO_ID = "^[0-9a-fA-F]{24}$"
_SENT_DATE: Schema = {
    "type": "string",
    "description": "RFC 3339, such as 2030-06-01T23:59:00Z; also without seconds or zone (UTC), or a date alone.",
    "examples": ["2030-06-01T23:59:00Z", "2030-06-01T23:59", "2030-06-01"],
}

_ASSIGNMENT_FIELDS: Schema = {
    "assignee_ids": _list({"type": "string"}, "The students, with the mode `individuals`."),
    "assignee_mode": _one_of(validate.ASSIGNEE_MODES, "For whom the assignment is."),
    "attachments": _list(reference("Attachment"), "Material."),
    "description": _text("What is to be done; may be HTML."),
    "description_plaintext": _text("The description without markup."),
    "display_date": _date("From when students see it."),
    "due_date": _date("When it is due."),
    "end_date": _date("Until when it can be handed in."),
    "grading_type": _one_of(validate.GRADING_TYPES, "How it is graded."),
    "max_attempts": {"type": "integer", "minimum": 1, "description": "How often it can be handed in."},
    "points_possible": {"type": "number", "minimum": 0, "description": "What it is worth."},
    "start_date": _date("When work on it begins."),
    "submission_types": _list(
        {"type": "string", "enum": list(validate.SUBMISSION_TYPES)}, "What is handed in."
    ),
    "term_id": _text("The term it counts for."),
    "title": _text("What it is called."),
}
_SUBMISSION_FIELDS: Schema = {
    "attachments": _list(reference("Attachment"), "The student's work."),
    "extra_attempts": {"type": "integer", "minimum": 0, "description": "Attempts beyond `max_attempts`."},
    "flags": _list(
        {"type": "string", "enum": list(validate.SUBMISSION_FLAGS)},
        "`excused` is set by the client; `late` and `missing` follow from the dates.",
    ),
    "grade": _text("The grade as text: a number, `85%`, `pass` or `fail`, or a letter."),
    "grade_comment": _text("A comment for the student; the newest is shown."),
    "grade_points": {"type": "number", "minimum": 0, "description": "The grade in points."},
    "grader_id": _text("The teacher who graded."),
    "override_due_date": _date("When it is due for this student alone."),
    "state": _one_of(
        validate.SUBMISSION_STATES, "Where it stands; `returned` shows the grade to the student."
    ),
}
_ATTACHMENT_FIELDS: Schema = {
    "description": _text("What it is about."),
    "text": _text("The text, for the type `text`."),
    "title": _text("What it is called."),
    "type": _one_of(validate.ATTACHMENT_TYPES, "`file` unless given; `text` only with submissions."),
    "url": _text("Where it is, beginning with http:// or https://."),
}


def _sent(fields: Schema, required: tuple[str, ...] = ()) -> Schema:
    """A request's object: dates in more forms, null for absent where it may be, anything unknown ignored."""
    properties = {}
    for name, schema in fields.items():
        if schema.get("format") == "date-time":
            sent = {**_SENT_DATE, "description": f"{schema['description']} {_SENT_DATE['description']}"}
        elif name == "attachments":
            sent = {**schema, "items": {"oneOf": [reference("AttachmentRequest"), {"type": "null"}]}}
        else:
            sent = schema
        properties[name] = sent if name in required else _nullable(sent)
    if "title" in required:
        properties["title"] = {**properties["title"], "minLength": 1}
    content: Schema = {"type": "object", "properties": properties}
    return content | {"required": list(required)} if required else content


def schemas() -> Schema:
    """Every object, by its name."""
    mongo_id = {"type": "string", "pattern": MONGO_ID}
    letters = object_of({"name": {"type": "string"}, "value": {"type": "string"}}, required=("name", "value"))
    link = object_of({"rel": {"const": "next"}, "uri": {"type": "string"}}, required=("rel", "uri"))
    created = {"created": _date("When it was made."), "last_modified": _date("When it was last changed.")}
    assignment = {
        **_ASSIGNMENT_FIELDS,
        **created,
        "category_id": _text("The grading category that it counts in, by the LMS's id."),
        "grading_scale": _list(reference("GradingScale"), "With the grading type `letter_grade`."),
        "id": _text("Its id.", format="uuid"),
        "state": _one_of(("draft", "scheduled", "open", "locked"), "Where it stands; derived, never set."),
    }
    submission = {
        **_SUBMISSION_FIELDS,
        **created,
        "assignment_id": _text("The assignment.", format="uuid"),
        "user_id": {**mongo_id, "description": "The student."},
    }
    own = {
        "Assignment": object_of(
            dict(sorted(assignment.items())),
            required=("assignee_mode", "description", "grading_type", "id", "state", "title"),
        ),
        "AssignmentCreate": _sent(_ASSIGNMENT_FIELDS, ("title", "description", "due_date")),
        "AssignmentUpdate": _sent(_ASSIGNMENT_FIELDS),
        "Attachment": object_of(_ATTACHMENT_FIELDS, required=("type",)),
        "AttachmentRequest": _sent(_ATTACHMENT_FIELDS),
        "GradingScale": object_of(
            {"entries": _list(letters, "The letters, best first."), "name": {"type": "string"}},
            required=("entries", "name"),
        ),
        "Submission": object_of(
            dict(sorted(submission.items())), required=("assignment_id", "state", "user_id")
        ),
        "SubmissionUpdate": _sent(_SUBMISSION_FIELDS),
        "SubmissionsUpdate": {
            "type": "object",
            "properties": {
                "submissions": {
                    "type": "array",
                    "maxItems": 500,
                    "items": _sent(
                        {"user_id": {**mongo_id, "description": "The student."}, **_SUBMISSION_FIELDS},
                        ("user_id",),
                    ),
                }
            },
            "required": ["submissions"],
        },
        "SubmissionOutcome": object_of(
            {
                "user_id": {"type": "string", "description": "The student, as sent."},
                "status": {"type": "integer", "description": "As if it had been sent alone."},
                "data": reference("Submission"),
                "message": {"type": "string", "description": "What is wrong, where the status is not 200."},
            },
            required=("user_id", "status"),
        ),
        "DeliveryError": object_of(
            {
                "status": {"type": "integer", "description": "The status that the answer would have had."},
                "message": _text("What is wrong."),
            },
            required=("status", "message"),
        ),
        "Delivery": object_of(
            {
                "assignment_id": _text("The assignment that it changes."),
                "attempts": {"type": "integer", "minimum": 0, "description": "How often it was tried."},
                "created": _date("When it was accepted."),
                "error": {
                    **reference("DeliveryError"),
                    "description": "Why it was refused, or what the last try met.",
                },
                "expires": _date("Until when it is tried."),
                "finished": _date("When it ended."),
                "id": _text("The delivery's id."),
                "next_attempt": _date("When it is tried next."),
                "operation": {
                    "enum": list(DELIVERY_OPERATIONS),
                    "description": "What was asked for; `update_submissions` stands for many.",
                },
                "result": {
                    "description": "What the answer would have held; of many, what came of each.",
                    "anyOf": [
                        reference("Assignment"),
                        reference("Submission"),
                        {"type": "array", "items": reference("SubmissionOutcome")},
                    ],
                },
                "section_id": _text("The section."),
                "state": _one_of(
                    DELIVERY_STATES,
                    "`waiting` for its turn or the next try, `delivering` now; then `delivered`, `refused`, "
                    "`expired`, or `cancelled` by the operator.",
                ),
                "superseded_by": _text("The newer delivery that set all that this one was to set."),
                "user_id": _text("The student."),
                "warnings": _list({"type": "string"}, "What was ignored or changed."),
            },
            required=("attempts", "created", "expires", "id", "operation", "state"),
        ),
        "Error": object_of({"message": _text("What is wrong.")}, required=("message",)),
        "NextLink": link,
        "RosterLink": object_of(
            {"rel": {"enum": ["self", "next", "prev"]}, "uri": {"type": "string"}}, required=("rel", "uri")
        ),
    }
    return own | _webhook_schemas() | _roster_schemas()


def _webhook_schemas() -> Schema:
    plain: Schema = {"type": "string"}
    uuid = {"type": "string", "format": "uuid"}
    mongo_id = {"type": "string", "pattern": MONGO_ID}
    fields: Schema = {
        "disabled": {"type": "boolean", "description": "Whether nothing is sent to it."},
        "events": _list(
            {"type": "string", "enum": list(events.EVENTS)}, "What it is told of; all unless given."
        ),
        "url": _text("The endpoint, beginning with https://."),
    }
    sent = {**fields, "events": {**fields["events"], "minItems": 1}}
    return {
        "Webhook": object_of(
            {
                "created": _date("When it was made."),
                **fields,
                "id": _text("Its id.", format="uuid"),
                "last_modified": _date("When it was last changed."),
                "secret": _text("What its messages are signed with; shown once, when it is made."),
                "secret_before_until": _date("Until when they are also signed with the secret before."),
            },
            required=("created", "disabled", "events", "id", "last_modified", "url"),
        ),
        "WebhookCreate": _sent(sent, ("url",)),
        "WebhookUpdate": _sent(sent),
        "WebhookTest": object_of(
            {
                "delivered": {"type": "boolean", "description": "Whether the endpoint answered with 2xx."},
                "id": _text("The message's, as in its `webhook-id` header.", format="uuid"),
                "message": _text("Why it was not delivered."),
                "status": {"type": "integer", "description": "The endpoint's HTTP status."},
            },
            required=("delivered", "id"),
        ),
        "DeliveryData": object_of(
            {
                "assignment_id": uuid,
                "delivery_id": plain,
                "message": _text("The error's text, where it did not go well."),
                "operation": _text("The `operationId` of the call."),
                "section_id": mongo_id,
                "state": plain,
                "status": {"type": "integer", "description": "What the call would have been answered with."},
                "user_id": mongo_id,
            },
            required=("delivery_id", "operation", "section_id", "state"),
        ),
        "AssignmentData": object_of(
            {"assignment_id": uuid, "section_id": mongo_id}, required=("assignment_id", "section_id")
        ),
        "ConnectionData": object_of({"district_id": mongo_id}, required=("district_id",)),
        "TestData": object_of({"webhook_id": uuid}, required=("webhook_id",)),
    }


def _roster_schemas() -> Schema:
    mongo_id: Schema = {"type": "string", "pattern": MONGO_ID}
    plain: Schema = {"type": "string"}
    ids = {"type": "array", "items": mongo_id}
    times = {"created": _date("When it was made."), "last_modified": _date("When it was last changed.")}
    percent = {"type": "number", "minimum": 0, "maximum": 100}
    status = object_of(
        {"synced_in_lms": {"type": "boolean"}},
        required=("synced_in_lms",),
        description="Whether it is matched to one in the LMS.",
    )
    role = object_of({"grade": plain, "school": mongo_id, "sis_id": plain})
    states = (
        "initial_sync_processing",
        "pending_authorization",
        "matching_in_progress",
        "error",
        "disconnected",
        "",
        "success",
    )
    return {
        "District": object_of(
            {
                "id": mongo_id,
                "last_lms_sync": _date("When the roster was last held against the LMS."),
                "lms_matched_percentage": {"type": "object", "additionalProperties": percent},
                "lms_state": _one_of(states, "How the connection to the LMS stands."),
                "lms_sync": object_of(
                    {
                        "began": _date("When it began."),
                        "phase": _one_of(
                            ("courses", "sections", "people", "matching"), "What is being read, or done."
                        ),
                        "courses": _whole("How many courses the LMS has."),
                        "courses_read": _whole("Of how many of them the sections have been read."),
                        "sections": _whole("How many sections are known by now."),
                        "sections_read": _whole("Of how many of them the people have been read."),
                    },
                    required=("courses", "courses_read", "phase", "sections", "sections_read"),
                    description="How far the reading of the LMS is; left out while it is not being read.",
                ),
                "lms_type": _text("Which LMS it uses."),
                "name": plain,
            },
            required=("id", "lms_matched_percentage", "lms_state", "lms_type", "name"),
        ),
        "RosterEvent": object_of(
            {
                "created": times["created"],
                "data": object_of(
                    {
                        "object": {
                            "type": "object",
                            "description": "The object of the roster, as it is now.",
                        },
                        "previous_attributes": {
                            "type": "object",
                            "description": "What the fields were that an update changed.",
                        },
                    },
                    required=("object",),
                ),
                "id": mongo_id,
                "type": _text("Such as `users.created`, `sections.updated` or `schools.deleted`."),
            },
            required=("created", "data", "id", "type"),
        ),
        "School": object_of(
            {
                **times,
                "district": mongo_id,
                "id": mongo_id,
                "name": plain,
                "school_number": plain,
                "sis_id": plain,
            },
            required=("created", "district", "id", "last_modified", "name"),
        ),
        "Term": object_of(
            {
                "district": mongo_id,
                "end_date": {"type": "string", "format": "date"},
                "id": mongo_id,
                "name": plain,
                "start_date": {"type": "string", "format": "date"},
            },
            required=("district", "id", "name"),
        ),
        "Course": object_of(
            {"district": mongo_id, "id": mongo_id, "name": plain, "number": plain},
            required=("district", "id", "name"),
        ),
        "Section": object_of(
            {
                **times,
                "course": mongo_id,
                "district": mongo_id,
                "grade": plain,
                "id": mongo_id,
                "lms_status": status,
                "name": plain,
                "period": plain,
                "school": mongo_id,
                "section_number": plain,
                "sis_id": plain,
                "students": ids,
                "subject": plain,
                "teacher": mongo_id,
                "teachers": ids,
                "term_id": mongo_id,
            },
            required=(
                "created",
                "district",
                "id",
                "last_modified",
                "lms_status",
                "name",
                "students",
                "teachers",
            ),
        ),
        "User": object_of(
            {
                **times,
                "district": mongo_id,
                "email": plain,
                "id": mongo_id,
                "lms_status": status,
                "name": object_of(
                    {"first": plain, "last": plain, "middle": plain}, required=("first", "last")
                ),
                "roles": {
                    "type": "object",
                    "properties": {"student": role, "teacher": role},
                    "additionalProperties": False,
                },
            },
            required=("created", "district", "id", "last_modified", "lms_status", "name", "roles"),
        ),
    }
