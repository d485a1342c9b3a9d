"""The fields of the messages that clients may send (Classroom API v1, discovery document)."""

from __future__ import annotations

from passback_simulators.google_classroom.parsing import Enum, Message, Repeated

COURSE_STATE = Enum(
    "CourseState", "COURSE_STATE_UNSPECIFIED", ("ACTIVE", "ARCHIVED", "PROVISIONED", "DECLINED", "SUSPENDED")
)
COURSE_ROLE = Enum("CourseRole", "COURSE_ROLE_UNSPECIFIED", ("STUDENT", "TEACHER", "OWNER"))
WORK_STATE = Enum("CourseWorkState", "COURSE_WORK_STATE_UNSPECIFIED", ("PUBLISHED", "DRAFT", "DELETED"))
WORK_TYPE = Enum(
    "CourseWorkType",
    "COURSE_WORK_TYPE_UNSPECIFIED",
    ("ASSIGNMENT", "SHORT_ANSWER_QUESTION", "MULTIPLE_CHOICE_QUESTION"),
)
ASSIGNEE_MODE = Enum("AssigneeMode", "ASSIGNEE_MODE_UNSPECIFIED", ("ALL_STUDENTS", "INDIVIDUAL_STUDENTS"))
MODIFICATION_MODE = Enum(
    "SubmissionModificationMode",
    "SUBMISSION_MODIFICATION_MODE_UNSPECIFIED",
    ("MODIFIABLE_UNTIL_TURNED_IN", "MODIFIABLE"),
)
SUBMISSION_STATE = Enum(
    "SubmissionState",
    "SUBMISSION_STATE_UNSPECIFIED",
    ("NEW", "CREATED", "TURNED_IN", "RETURNED", "RECLAIMED_BY_STUDENT"),
)
LATE_VALUES = Enum("LateValues", "LATE_VALUES_UNSPECIFIED", ("LATE_ONLY", "NOT_LATE_ONLY"))
_SHARE_MODE = Enum("ShareMode", "UNKNOWN_SHARE_MODE", ("VIEW", "EDIT", "STUDENT_COPY"))
_FEED_TYPE = Enum(
    "FeedType",
    "FEED_TYPE_UNSPECIFIED",
    ("DOMAIN_ROSTER_CHANGES", "COURSE_ROSTER_CHANGES", "COURSE_WORK_CHANGES"),
)


def _strings(*names: str) -> Message:
    return dict.fromkeys(names, "string")


NOTHING: Message = {}
"""The body of actions such as ``:return``."""

_DATE: Message = dict.fromkeys(("year", "month", "day"), "int32")
_TIME_OF_DAY: Message = dict.fromkeys(("hours", "minutes", "seconds", "nanos"), "int32")
_LINK = _strings("url", "title", "thumbnailUrl")
_DRIVE_FILE = _strings("id", "title", "alternateLink", "thumbnailUrl")
_YOUTUBE_VIDEO = _strings("id", "title", "alternateLink", "thumbnailUrl")
_FORM = _strings("formUrl", "responseUrl", "title", "thumbnailUrl")
_FOLDER = _strings("id", "title", "alternateLink")
_PROFILE: Message = {
    **_strings("id", "emailAddress", "photoUrl"),
    "name": _strings("givenName", "familyName", "fullName"),
    "permissions": Repeated(_strings("permission")),
    "verifiedTeacher": "bool",
}

MATERIAL: Message = {
    "link": _LINK,
    "driveFile": {"driveFile": _DRIVE_FILE, "shareMode": _SHARE_MODE},
    "youtubeVideo": _YOUTUBE_VIDEO,
    "form": _FORM,
    "gem": _strings("id", "title", "url"),
    "notebook": _strings("id", "title", "url"),
}
ATTACHMENT: Message = {
    "link": _LINK, "driveFile": _DRIVE_FILE, "youTubeVideo": _YOUTUBE_VIDEO, "form": _FORM
}  # fmt: skip
_GRADE_CATEGORY: Message = {**_strings("id", "name"), "weight": "int32", "defaultGradeDenominator": "int32"}

COURSE: Message = {
    **_strings(
        "id", "name", "section", "descriptionHeading", "description", "room", "subject", "levels", "ownerId",
        "enrollmentCode", "alternateLink", "teacherGroupEmail", "courseGroupEmail", "calendarId",
    ),
    "creationTime": "timestamp",
    "updateTime": "timestamp",
    "courseState": COURSE_STATE,
    "guardiansEnabled": "bool",
    "teacherFolder": _FOLDER,
    "gradebookSettings": {
        **_strings("calculationType", "displaySetting"), "gradeCategories": Repeated(_GRADE_CATEGORY)
    },
}  # fmt: skip
COURSE_ALIAS = _strings("alias")
GRADING_PERIOD_SETTINGS: Message = {
    "gradingPeriods": Repeated({**_strings("id", "title"), "startDate": _DATE, "endDate": _DATE}),
    "applyToExistingCoursework": "bool",
}
TEACHER: Message = {**_strings("courseId", "userId"), "profile": _PROFILE}
"""A Teacher."""
STUDENT: Message = {**TEACHER, "studentWorkFolder": _FOLDER}
INVITATION: Message = {**_strings("id", "userId", "courseId"), "role": COURSE_ROLE}
TOPIC: Message = {**_strings("courseId", "topicId", "name"), "updateTime": "timestamp"}

COURSE_WORK: Message = {
    **_strings(
        "courseId",
        "id",
        "title",
        "description",
        "alternateLink",
        "creatorUserId",
        "topicId",
        "gradingPeriodId",
    ),
    "state": WORK_STATE,
    "workType": WORK_TYPE,
    "assigneeMode": ASSIGNEE_MODE,
    "submissionModificationMode": MODIFICATION_MODE,
    "creationTime": "timestamp",
    "updateTime": "timestamp",
    "scheduledTime": "timestamp",
    "dueDate": _DATE,
    "dueTime": _TIME_OF_DAY,
    "maxPoints": "double",
    "associatedWithDeveloper": "bool",
    "materials": Repeated(MATERIAL),
    "individualStudentsOptions": {"studentIds": Repeated("string")},
    "assignment": {"studentWorkFolder": _FOLDER},
    "multipleChoiceQuestion": {"choices": Repeated("string")},
    "gradeCategory": _GRADE_CATEGORY,
}
MODIFY_ASSIGNEES: Message = {
    "assigneeMode": ASSIGNEE_MODE,
    "modifyIndividualStudentsOptions": {
        "addStudentIds": Repeated("string"), "removeStudentIds": Repeated("string")
    },
}  # fmt: skip

STUDENT_SUBMISSION: Message = {
    **_strings("courseId", "courseWorkId", "id", "userId", "alternateLink"),
    "creationTime": "timestamp",
    "updateTime": "timestamp",
    "state": SUBMISSION_STATE,
    "courseWorkType": WORK_TYPE,
    "late": "bool",
    "draftGrade": "double",
    "assignedGrade": "double",
    "associatedWithDeveloper": "bool",
    "assignmentSubmission": {"attachments": Repeated(ATTACHMENT)},
    "shortAnswerSubmission": _strings("answer"),
    "multipleChoiceSubmission": _strings("answer"),
    "submissionHistory": Repeated(
        {
            "stateHistory": {**_strings("state", "actorUserId"), "stateTimestamp": "timestamp"},
            "gradeHistory": {
                **_strings("actorUserId", "gradeChangeType"),
                **dict.fromkeys(("pointsEarned", "maxPoints"), "double"),
                "gradeTimestamp": "timestamp",
            },
        }
    ),
}
MODIFY_ATTACHMENTS: Message = {"addAttachments": Repeated(ATTACHMENT)}

REGISTRATION: Message = {
    "registrationId": "string",
    "expiryTime": "timestamp",
    "cloudPubsubTopic": _strings("topicName"),
    "feed": {
        "feedType": _FEED_TYPE,
        "courseRosterChangesInfo": _strings("courseId"),
        "courseWorkChangesInfo": _strings("courseId"),
    },
}
