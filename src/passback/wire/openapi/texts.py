"""What the document says of each operation: its id, its summary and its description."""

from __future__ import annotations

from passback.wire.operations import Operation

_IDS = {
    "create_assignment": "createAssignmentForSection",
    "read_assignment": "getAssignmentForSection",
    "update_assignment": "updateAssignmentForSection",
    "delete_assignment": "deleteAssignmentForSection",
    "list_submissions": "getSubmissionsForAssignment",
    "read_submission": "getSubmissionForAssignment",
    "update_submission": "updateSubmissionForAssignment",
    "list_assignments": "getAssignmentsForSection",
    "update_submissions": "updateSubmissionsForAssignment",
    "list_section_students": "getStudentsForSection",
    "list_section_teachers": "getTeachersForSection",
    "list_user_sections": "getSectionsForUser",
}
"""The ids of the published operations, as published, and of those that do not follow from the name."""


def operation_id(operation: Operation) -> str:
    """The `operationId`: the published one, or one of its kind, such as ``getDelivery`` and ``getDeliveries``."""
    if operation.name in _IDS:
        return _IDS[operation.name]
    verb, *rest = operation.name.split("_")
    return {"list": "get", "read": "get"}.get(verb, verb) + "".join(word.capitalize() for word in rest)


SUMMARIES = {
    "create_assignment": "Create an assignment in the section's LMS course",
    "read_assignment": "Read an assignment as it currently is in the LMS",
    "update_assignment": "Change the given fields of an assignment",
    "delete_assignment": "Delete an assignment from the LMS",
    "list_assignments": "List a section's assignments, oldest first",
    "list_submissions": "List an assignment's submissions, one per assigned student",
    "read_submission": "Read one student's submission",
    "update_submission": "Grade, comment on, flag, return or extend a student's submission",
    "update_submissions": "Update up to 500 students' submissions, each judged as if sent alone",
    "list_deliveries": "List the application's background deliveries, newest first",
    "read_delivery": "Read a delivery: its progress and its result",
    "list_districts": "List the token's district, as the only item",
    "read_district": "Read the token's district",
    "list_schools": "List the district's schools",
    "read_school": "Read a school",
    "list_terms": "List the district's terms",
    "read_term": "Read a term",
    "list_courses": "List the district's courses",
    "read_course": "Read a course",
    "list_sections": "List the district's sections",
    "read_section": "Read a section",
    "list_section_students": "List a section's students",
    "list_section_teachers": "List a section's teachers",
    "list_users": "List the district's users",
    "read_user": "Read a user",
    "list_user_sections": "List the sections that a user is in",
    "list_events": "List changes to the roster, oldest first",
    "read_event": "Read a change to the roster",
    "create_webhook": "Register an endpoint; the answer shows its secret, this once",
    "list_webhooks": "List the application's webhooks, oldest first",
    "read_webhook": "Read a webhook, without its secret",
    "update_webhook": "Change the given fields of a webhook",
    "delete_webhook": "Delete a webhook",
    "rotate_webhook": "Replace the secret, showing the new one this once; both sign for 24 hours",
    "list_webhook_messages": "List the messages to a webhook, newest first",
    "read_webhook_message": "Read a message to a webhook: its event, and what became of it",
    "resend_webhook_message": "Send a message again, delivered or not",
    "resend_webhook_messages": "Send every message since a time again that the endpoint has not taken",
    "fetch_webhook_messages": "Fetch the messages of a webhook without a URL, signed, oldest first",
    "create_launch_address": "Register where people go whom an LMS starts the application for",
    "read_launch_address": "Read the application's launch address",
    "delete_launch_address": "Delete the application's launch address",
    "exchange_launch": "Exchange the code of a launch, this once, for who came and from where",
    "create_deep_link": "Put the activity that a teacher has chosen into the LMS, from where it was asked for",
    "test_webhook": "Send a `webhook.test` message now, and report the result",
}

_ONE_OF_THE_ROSTER = "The object as the newest roster has it; one that left the roster no longer exists."
_PAGE_OF_THE_ROSTER = "One page, in the order of ids; `links` leads to the next and the previous page."

DESCRIPTIONS = {
    "create_assignment": "The assignment is in the LMS when the answer is 200. `title`, `description` and `due_date` "
    "are required, and `due_date` must be in the future. A create that is repeated with the same `Idempotency-Key` "
    "creates nothing.",
    "read_assignment": "The LMS is asked for every answer, so a change that a teacher made there is seen.",
    "update_assignment": "A field that is absent or null keeps its value.",
    "delete_assignment": "The assignment is no longer in the LMS when the answer is 200.",
    "list_assignments": "One page; `links` leads to the next, if there is one.",
    "list_submissions": "One page; `links` leads to the next, if there is one. Every assigned student has exactly one "
    "submission, from the moment the assignment exists.",
    "read_submission": "The LMS is asked for every answer, so a grade that a teacher gave there is seen.",
    "update_submission": "A field that is absent or null keeps its value; an empty `grade` removes the grade. "
    "The state `returned` makes the grade visible to the student.",
    "update_submissions": "The answer is 200 if the call as a whole could be judged, and has one outcome per student, "
    "in the order of the request. It counts as one request for the rate limit.",
    "list_deliveries": "One page; `links` leads to the next, if there is one.",
    "read_delivery": "A delivery that has ended is kept for 30 days, unless the operator has set another time.",
    "list_districts": "A token belongs to one district.",
    "read_district": "Its LMS, the state of the connection to it, and how much of the roster is matched there.",
    "list_schools": _PAGE_OF_THE_ROSTER,
    "read_school": _ONE_OF_THE_ROSTER,
    "list_terms": _PAGE_OF_THE_ROSTER,
    "read_term": _ONE_OF_THE_ROSTER,
    "list_courses": _PAGE_OF_THE_ROSTER,
    "read_course": _ONE_OF_THE_ROSTER,
    "list_sections": _PAGE_OF_THE_ROSTER,
    "read_section": _ONE_OF_THE_ROSTER,
    "list_section_students": _PAGE_OF_THE_ROSTER,
    "list_section_teachers": _PAGE_OF_THE_ROSTER,
    "list_users": f"{_PAGE_OF_THE_ROSTER} Several filters narrow the list together.",
    "read_user": _ONE_OF_THE_ROSTER,
    "list_user_sections": f"{_PAGE_OF_THE_ROSTER} A user is in a section as a student or as a teacher.",
    "list_events": "One page; keep the id of the last event, and continue with it as `starting_after`.",
    "read_event": "An event is kept for 30 days.",
    "create_webhook": "Without `events`, the endpoint receives all events that exist when it is registered, but "
    "for those of changes in the LMS, which must be named.",
    "list_webhooks": "One page; `links` leads to the next, if there is one.",
    "read_webhook": "All tokens of the same application and district see it, no others do.",
    "update_webhook": "A field that is absent or null keeps its value. A webhook that is enabled again receives "
    "the events from then on.",
    "delete_webhook": "Nothing more is sent to the endpoint.",
    "rotate_webhook": "While both secrets sign, every message has a signature for each.",
    "list_webhook_messages": "One page; `links` leads to the next, if there is one. Messages that have ended are "
    "kept for 30 days unless configured.",
    "read_webhook_message": "A message keeps its id, however often it is sent.",
    "resend_webhook_message": "One that is being sent at this moment is left as it is.",
    "resend_webhook_messages": "At most 1,000 at once, the oldest first; `more` says whether there are more.",
    "fetch_webhook_messages": "If there are none, the call waits up to `wait` seconds for one. A message is "
    "returned until a later call names it in `done`. After four days without a fetch a webhook gets no new messages; "
    "after a week it is deleted.",
    "create_launch_address": "It takes the place of an address that is already registered.",
    "read_launch_address": "There is one for each application and district.",
    "delete_launch_address": "Nobody is sent to it from then on.",
    "exchange_launch": "The code is valid once, within two minutes.",
    "create_deep_link": "Possible within an hour of the launch, and once unless the LMS takes several. "
    "Send the browser to the `url` of the answer.",
    "test_webhook": "The answer is 200 whether or not the endpoint received the message; `delivered` says which.",
}
