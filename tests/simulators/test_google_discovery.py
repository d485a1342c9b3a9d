"""The simulated Google Classroom's own discovery document: as Google's, and enough for Google's client."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from googleapiclient.discovery import build
from googleapiclient.errors import UnknownApiNameOrVersion

from passback_simulators.google_classroom import seed
from support.classroom import ALGEBRA, ESSAY, TEACHER, Classroom, Clients, document, methods

NOT_SIMULATED = {("Course", "courseMaterialSets")}
"""Properties of messages that Google's document has and the simulator does not."""


def served(classroom: Classroom, query: str = "version=v1") -> Any:
    """The document that the simulator serves."""
    reply = classroom.http.get(f"{classroom.url}/$discovery/rest?{query}")
    assert reply.status_code == 200, reply.text
    return reply.json()


def bare(content: Any) -> Any:
    """A part of a document without words for people and without marks that change nothing for a client."""
    if isinstance(content, list):
        return [bare(one) for one in content]
    if not isinstance(content, dict):
        return content
    words = {"description", "enumDescriptions", "enumDeprecated", "readOnly", "deprecated"}
    return {name: bare(one) for name, one in content.items() if name not in words or isinstance(one, dict)}


def test_its_schemas_are_googles(classroom: Classroom) -> None:
    for name, schema in served(classroom)["schemas"].items():
        known = bare(document()["schemas"][name])
        properties = {
            one: kind for one, kind in known["properties"].items() if (name, one) not in NOT_SIMULATED
        }
        assert schema == known | {"properties": properties}


def test_its_methods_are_googles(classroom: Classroom) -> None:
    known = {one["id"]: bare(one) for one in methods()}
    own = {one["id"]: one for one in methods(served(classroom))}
    assert len(own) == len(classroom.lms.operations())
    for name, method in own.items():
        # The order of scopes says nothing.
        ordered = [{**one, "scopes": sorted(one["scopes"])} for one in (method, known[name])]
        assert ordered[0] == ordered[1]


def test_its_scopes_are_googles(classroom: Classroom) -> None:
    scopes = served(classroom)["auth"]["oauth2"]["scopes"].keys()
    assert scopes <= document()["auth"]["oauth2"]["scopes"].keys()
    assert scopes <= set(seed.ALL_SCOPES)


def test_it_is_where_the_api_is(classroom: Classroom) -> None:
    content = served(classroom, "")
    assert (content["rootUrl"], content["id"]) == (f"{classroom.url}/", "classroom:v1")
    central = classroom.http.get(f"{classroom.url}/discovery/v1/apis/classroom/v1/rest")
    assert central.json() == content


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (
            "$discovery/rest?version=v9",
            "Discovery document not found for API service: classroom.googleapis.com format: rest version: v9",
        ),
        ("discovery/v1/apis/drive/v3/rest", "Requested entity was not found."),
    ],
)
def test_there_is_no_other(classroom: Classroom, path: str, message: str) -> None:
    reply = classroom.http.get(f"{classroom.url}/{path}")
    error = {"code": 404, "message": message, "status": "NOT_FOUND"}
    assert (reply.status_code, reply.json()) == (404, {"error": error})


# Google's client, which is told nothing but the document's address.


@contextlib.contextmanager
def client(clients: Clients, query: str, version: str = "v1") -> Iterator[Any]:
    found = build(
        "classroom", version, credentials=clients.credentials(seed.person_email(TEACHER)), static_discovery=False,
        discoveryServiceUrl=f"{clients.classroom.url}/$discovery/rest?{query}", cache_discovery=False,
    )  # fmt: skip
    with contextlib.closing(found):
        yield found


def test_a_client_finds_the_api_by_it(clients: Clients) -> None:
    with client(clients, "version={apiVersion}") as teacher:
        works = teacher.courses().courseWork()
        work = works.create(courseId=ALGEBRA, body=dict(ESSAY)).execute()
        [first, *_] = (
            works.studentSubmissions()
            .list(courseId=ALGEBRA, courseWorkId=work["id"])
            .execute()["studentSubmissions"]
        )
        graded = (
            works.studentSubmissions()
            .patch(
                courseId=ALGEBRA, courseWorkId=work["id"], id=first["id"], updateMask="draftGrade",
                body={"draftGrade": 7.5},
            )
            .execute()
        )  # fmt: skip
        batch = teacher.new_batch_http_request()
        answers: list[Any] = []
        batch.add(
            works.get(courseId=ALGEBRA, id=work["id"]), callback=lambda _, answer, __: answers.append(answer)
        )
        batch.execute()
    assert (graded["draftGrade"], [one["id"] for one in answers]) == (7.5, [work["id"]])


def test_a_client_is_told_of_another_version(clients: Clients) -> None:
    with (
        pytest.raises(UnknownApiNameOrVersion),
        client(clients, "version={apiVersion}", "v2"),
    ):
        pass


def test_a_client_of_previews_may_name_one(clients: Clients) -> None:
    with client(clients, "version=v1&labels=DEVELOPER_PREVIEW") as teacher:
        listed = teacher.courses().list(previewVersion="V1_20240401_PREVIEW").execute()
    assert [one["id"] for one in listed["courses"]] == [ALGEBRA, seed.ARCHIVED_COURSE]


def test_a_preview_that_never_was_is_refused(classroom: Classroom) -> None:
    assert (
        classroom.teacher.refused("GET", "courses?previewVersion=V1_19990101_PREVIEW") == "INVALID_ARGUMENT"
    )


def test_others_are_not_told_of_previews(clients: Clients) -> None:
    with client(clients, "version=v1") as teacher, pytest.raises(TypeError, match="previewVersion"):
        teacher.courses().list(previewVersion="V1_20240401_PREVIEW")
