"""The messages of the API: what clients may send and what they get (Classroom API v1, discovery document)."""

from __future__ import annotations

from collections.abc import Mapping

from passback_simulators.google_classroom.parsing import Enum, Kind, MapOf, Message, Repeated

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
PREVIEW_VERSION = Enum(
    "PreviewVersion",
    "PREVIEW_VERSION_UNSPECIFIED",
    ("V1_20231110_PREVIEW", "V1_20240401_PREVIEW", "V1_20240930_PREVIEW", "V1_20250630_PREVIEW"),
)
"""Of rubrics, grading periods, user capabilities and student groups. All but the capabilities are part of v1 by now."""
_SHARE_MODE = Enum("ShareMode", "UNKNOWN_SHARE_MODE", ("VIEW", "EDIT", "STUDENT_COPY"))
_FEED_TYPE = Enum(
    "FeedType",
    "FEED_TYPE_UNSPECIFIED",
    ("DOMAIN_ROSTER_CHANGES", "COURSE_ROSTER_CHANGES", "COURSE_WORK_CHANGES"),
)
_PERMISSION = Enum("Permission", "PERMISSION_UNSPECIFIED", ("CREATE_COURSE",))
_CALCULATION_TYPE = Enum(
    "CalculationType", "CALCULATION_TYPE_UNSPECIFIED", ("TOTAL_POINTS", "WEIGHTED_CATEGORIES")
)
_DISPLAY_SETTING = Enum(
    "DisplaySetting",
    "DISPLAY_SETTING_UNSPECIFIED",
    ("SHOW_OVERALL_GRADE", "HIDE_OVERALL_GRADE", "SHOW_TEACHERS_ONLY"),
)
_HISTORY_STATE = Enum(
    "State",
    "STATE_UNSPECIFIED",
    ("CREATED", "TURNED_IN", "RETURNED", "RECLAIMED_BY_STUDENT", "STUDENT_EDITED_AFTER_TURN_IN"),
)
_GRADE_CHANGE = Enum(
    "GradeChangeType",
    "UNKNOWN_GRADE_CHANGE_TYPE",
    ("DRAFT_GRADE_POINTS_EARNED_CHANGE", "ASSIGNED_GRADE_POINTS_EARNED_CHANGE", "MAX_POINTS_CHANGE"),
)


def _strings(*names: str) -> Mapping[str, Kind]:
    return dict.fromkeys(names, "string")


def _page_of(name: str, field: str, item: Message) -> Message:
    """The response of a list in pages."""
    return Message(name, {field: Repeated(item), "nextPageToken": "string"})


EMPTY = Message("Empty", {})
"""The response of deletions and actions."""

DATE = Message("Date", dict.fromkeys(("year", "month", "day"), "int32"))
TIME_OF_DAY = Message("TimeOfDay", dict.fromkeys(("hours", "minutes", "seconds", "nanos"), "int32"))
_LINK = Message("Link", _strings("url", "title", "thumbnailUrl"))
_DRIVE_FILE = Message("DriveFile", _strings("id", "title", "alternateLink", "thumbnailUrl"))
_YOUTUBE_VIDEO = Message("YouTubeVideo", _strings("id", "title", "alternateLink", "thumbnailUrl"))
_FORM = Message("Form", _strings("formUrl", "responseUrl", "title", "thumbnailUrl"))
_FOLDER = Message("DriveFolder", _strings("id", "title", "alternateLink"))

# People and courses.

USER_PROFILE = Message(
    "UserProfile",
    {
        **_strings("id", "emailAddress", "photoUrl"),
        "name": Message("Name", _strings("givenName", "familyName", "fullName")),
        "permissions": Repeated(Message("GlobalPermission", {"permission": _PERMISSION})),
        "verifiedTeacher": "bool",
    },
)
GUARDIAN = Message(
    "Guardian",
    {**_strings("studentId", "guardianId", "invitedEmailAddress"), "guardianProfile": USER_PROFILE},
)
GUARDIANS = _page_of("ListGuardiansResponse", "guardians", GUARDIAN)
_GRADE_CATEGORY = Message(
    "GradeCategory", {**_strings("id", "name"), "weight": "int32", "defaultGradeDenominator": "int32"}
)
COURSE = Message(
    "Course",
    {
        **_strings(
            "id", "name", "section", "descriptionHeading", "description", "room", "subject", "levels", "ownerId",
            "enrollmentCode", "alternateLink", "teacherGroupEmail", "courseGroupEmail", "calendarId",
        ),
        "creationTime": "timestamp",
        "updateTime": "timestamp",
        "courseState": COURSE_STATE,
        "guardiansEnabled": "bool",
        "teacherFolder": _FOLDER,
        "gradebookSettings": Message(
            "GradebookSettings",
            {
                "calculationType": _CALCULATION_TYPE,
                "displaySetting": _DISPLAY_SETTING,
                "gradeCategories": Repeated(_GRADE_CATEGORY),
            },
        ),
    },
)  # fmt: skip
COURSES = _page_of("ListCoursesResponse", "courses", COURSE)
COURSE_ALIAS = Message("CourseAlias", _strings("alias"))
COURSE_ALIASES = _page_of("ListCourseAliasesResponse", "aliases", COURSE_ALIAS)
GRADING_PERIOD_SETTINGS = Message(
    "GradingPeriodSettings",
    {
        "gradingPeriods": Repeated(
            Message("GradingPeriod", {**_strings("id", "title"), "startDate": DATE, "endDate": DATE})
        ),
        "applyToExistingCoursework": "bool",
    },
)
_MEMBER: Mapping[str, Kind] = {**_strings("courseId", "userId"), "profile": USER_PROFILE}
TEACHER = Message("Teacher", _MEMBER)
TEACHERS = _page_of("ListTeachersResponse", "teachers", TEACHER)
STUDENT = Message("Student", {**_MEMBER, "studentWorkFolder": _FOLDER})
STUDENTS = _page_of("ListStudentsResponse", "students", STUDENT)
STUDENT_GROUP = Message("StudentGroup", _strings("courseId", "id", "title"))
STUDENT_GROUPS = _page_of("ListStudentGroupsResponse", "studentGroups", STUDENT_GROUP)
STUDENT_GROUP_MEMBER = Message("StudentGroupMember", _strings("courseId", "studentGroupId", "userId"))
STUDENT_GROUP_MEMBERS = _page_of(
    "ListStudentGroupMembersResponse", "studentGroupMembers", STUDENT_GROUP_MEMBER
)
INVITATION = Message("Invitation", {**_strings("id", "userId", "courseId"), "role": COURSE_ROLE})
INVITATIONS = _page_of("ListInvitationsResponse", "invitations", INVITATION)
TOPIC = Message("Topic", {**_strings("courseId", "topicId", "name"), "updateTime": "timestamp"})
TOPICS = _page_of("ListTopicResponse", "topic", TOPIC)

# Course work.

MATERIAL = Message(
    "Material",
    {
        "link": _LINK,
        "driveFile": Message("SharedDriveFile", {"driveFile": _DRIVE_FILE, "shareMode": _SHARE_MODE}),
        "youtubeVideo": _YOUTUBE_VIDEO,
        "form": _FORM,
        "gem": Message("GeminiGem", _strings("id", "title", "url")),
        "notebook": Message("NotebookLmNotebook", _strings("id", "title", "url")),
    },
)
ATTACHMENT = Message(
    "Attachment",
    {"link": _LINK, "driveFile": _DRIVE_FILE, "youTubeVideo": _YOUTUBE_VIDEO, "form": _FORM},
)
COURSE_WORK = Message(
    "CourseWork",
    {
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
        "dueDate": DATE,
        "dueTime": TIME_OF_DAY,
        "maxPoints": "double",
        "associatedWithDeveloper": "bool",
        "materials": Repeated(MATERIAL),
        "individualStudentsOptions": Message("IndividualStudentsOptions", {"studentIds": Repeated("string")}),
        "assignment": Message("Assignment", {"studentWorkFolder": _FOLDER}),
        "multipleChoiceQuestion": Message("MultipleChoiceQuestion", {"choices": Repeated("string")}),
        "gradeCategory": _GRADE_CATEGORY,
    },
)
COURSE_WORKS = _page_of("ListCourseWorkResponse", "courseWork", COURSE_WORK)
MODIFY_ASSIGNEES = Message(
    "ModifyCourseWorkAssigneesRequest",
    {
        "assigneeMode": ASSIGNEE_MODE,
        "modifyIndividualStudentsOptions": Message(
            "ModifyIndividualStudentsOptions",
            {"addStudentIds": Repeated("string"), "removeStudentIds": Repeated("string")},
        ),
    },
)

_LEVEL = Message("Level", {**_strings("id", "title", "description"), "points": "double"})
_CRITERION = Message("Criterion", {**_strings("id", "title", "description"), "levels": Repeated(_LEVEL)})
RUBRIC = Message(
    "Rubric",
    {
        **_strings("courseId", "courseWorkId", "id", "sourceSpreadsheetId"),
        "creationTime": "timestamp",
        "updateTime": "timestamp",
        "criteria": Repeated(_CRITERION),
    },
)
RUBRICS = _page_of("ListRubricsResponse", "rubrics", RUBRIC)

# Submissions.

_RUBRIC_GRADE = Message("RubricGrade", {**_strings("criterionId", "levelId"), "points": "double"})
STUDENT_SUBMISSION = Message(
    "StudentSubmission",
    {
        **_strings("courseId", "courseWorkId", "id", "userId", "alternateLink"),
        "creationTime": "timestamp",
        "updateTime": "timestamp",
        "state": SUBMISSION_STATE,
        "courseWorkType": WORK_TYPE,
        "late": "bool",
        "draftGrade": "double",
        "assignedGrade": "double",
        "draftRubricGrades": MapOf(_RUBRIC_GRADE),
        "assignedRubricGrades": MapOf(_RUBRIC_GRADE),
        "associatedWithDeveloper": "bool",
        "assignmentSubmission": Message("AssignmentSubmission", {"attachments": Repeated(ATTACHMENT)}),
        "shortAnswerSubmission": Message("ShortAnswerSubmission", _strings("answer")),
        "multipleChoiceSubmission": Message("MultipleChoiceSubmission", _strings("answer")),
        "submissionHistory": Repeated(
            Message(
                "SubmissionHistory",
                {
                    "stateHistory": Message(
                        "StateHistory",
                        {
                            "state": _HISTORY_STATE,
                            "actorUserId": "string",
                            "stateTimestamp": "timestamp",
                        },
                    ),
                    "gradeHistory": Message(
                        "GradeHistory",
                        {
                            "actorUserId": "string",
                            "gradeChangeType": _GRADE_CHANGE,
                            **dict.fromkeys(("pointsEarned", "maxPoints"), "double"),
                            "gradeTimestamp": "timestamp",
                        },
                    ),
                },
            )
        ),
    },
)
STUDENT_SUBMISSIONS = _page_of("ListStudentSubmissionsResponse", "studentSubmissions", STUDENT_SUBMISSION)
MODIFY_ATTACHMENTS = Message("ModifyAttachmentsRequest", {"addAttachments": Repeated(ATTACHMENT)})
TURN_IN = Message("TurnInStudentSubmissionRequest", {})
RECLAIM = Message("ReclaimStudentSubmissionRequest", {})
RETURN = Message("ReturnStudentSubmissionRequest", {})

# Add-ons.

_EMBED_URI = Message("EmbedUri", _strings("uri"))
ADD_ON_ATTACHMENT = Message(
    "AddOnAttachment",
    {
        **_strings("courseId", "itemId", "postId", "id", "title"),
        "copyHistory": Repeated(
            Message("CopyHistory", _strings("courseId", "itemId", "postId", "attachmentId"))
        ),
        **dict.fromkeys(("teacherViewUri", "studentViewUri", "studentWorkReviewUri"), _EMBED_URI),
        "dueDate": DATE,
        "dueTime": TIME_OF_DAY,
        "maxPoints": "double",
        "gradeSyncEnabled": "bool",
    },
)
ADD_ON_ATTACHMENTS = _page_of("ListAddOnAttachmentsResponse", "addOnAttachments", ADD_ON_ATTACHMENT)
ADD_ON_CONTEXT = Message(
    "AddOnContext",
    {
        **_strings("courseId", "itemId", "postId"),
        "studentContext": Message("StudentContext", _strings("submissionId")),
        "teacherContext": Message("TeacherContext", {}),
        "supportsStudentWork": "bool",
    },
)
ADD_ON_SUBMISSION = Message(
    "AddOnAttachmentStudentSubmission",
    {
        **_strings("id", "courseWorkSubmissionId", "userId"),
        "postSubmissionState": SUBMISSION_STATE,
        "pointsEarned": "double",
    },
)
ADD_ON_SUBMISSIONS = _page_of(
    "ListAddOnAttachmentStudentSubmissionsResponse", "addOnAttachmentStudentSubmissions", ADD_ON_SUBMISSION
)

# Registrations.

REGISTRATION = Message(
    "Registration",
    {
        "registrationId": "string",
        "expiryTime": "timestamp",
        "cloudPubsubTopic": Message("CloudPubsubTopic", _strings("topicName")),
        "feed": Message(
            "Feed",
            {
                "feedType": _FEED_TYPE,
                "courseRosterChangesInfo": Message("CourseRosterChangesInfo", _strings("courseId")),
                "courseWorkChangesInfo": Message("CourseWorkChangesInfo", _strings("courseId")),
            },
        ),
    },
)

PARAMETERS: Mapping[str, Kind] = {
    **_strings(
        "addOnToken", "attachmentId", "courseId", "enrollmentCode", "id", "invitedEmailAddress", "orderBy",
        "pageToken", "postId", "studentId", "teacherId", "userId",
    ),
    "courseStates": Repeated(COURSE_STATE),
    "courseWorkStates": Repeated(WORK_STATE),
    "late": LATE_VALUES,
    "pageSize": "int32",
    "states": Repeated(SUBMISSION_STATE),
    "updateMask": "fieldmask",
}  # fmt: skip
"""The query parameters of all operations."""
