"""The community's client, schoolopy, against the Schoology simulator."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
import schoolopy

from passback_simulators.schoology import seed
from support.schoology_client import ALGEBRA, STUDENT, Schoology, SchoolopyAuth


@pytest.fixture
def client(schoolopy_client: Any) -> Any:
    return schoolopy_client


def test_it_reads_the_roster(client: Any) -> None:
    client.limit = 50
    assert [len(client.get_users()), len(client.get_courses()), len(client.get_roles())] == [45, 3, 4]
    [section] = client.get_course_sections(1407692)
    assert (section.section_school_code, section.course_title) == ("section-8", "Biology")
    people = client.get_section_enrollments(section.id)
    assert [person.name_display for person in people][:2] == ["Jonas Lindqvist", "Emil Evans"]


def test_it_pages_by_its_limit(client: Any) -> None:
    assert len(client.get_users()) == 20


def test_it_reads_the_grade_setup(client: Any) -> None:
    assert [one.title for one in client.get_grading_categories(ALGEBRA)] == ["Assignments", "Tests"]
    assert [one["title"] for one in client.get_grading_periods()][1:] == ["Semester", "School year"]


def test_it_writes_and_reads_an_assignment(client: Any) -> None:
    path = f"sections/{ALGEBRA}/assignments"
    essay = {"title": "Essay 1", "due": "2031-05-01 19:00:00"}
    made = client._post(path, essay)  # noqa: SLF001 - its create_assignment sends no object
    [listed] = client.get_assignments(ALGEBRA)
    assert (listed.title, listed.due) == ("Essay 1", "2031-05-01 19:00:00")
    client._delete(f"{path}/{made['id']}")  # noqa: SLF001 - as above
    with pytest.raises(requests.HTTPError, match="404"):
        client.get_assignment(ALGEBRA, made["id"])


def test_its_body_that_is_no_object_is_refused(schoology: Schoology) -> None:
    auth = SchoolopyAuth(seed.CONSUMER_KEY, seed.CONSUMER_SECRET)
    with requests.Session(), pytest.raises(requests.HTTPError, match="400"):
        schoolopy.Schoology(auth, api_host=f"{schoology.url}/v1").create_assignment(
            schoolopy.Assignment({"title": "Essay 1"}), ALGEBRA
        )
    auth.oauth.close()


def test_it_follows_a_redirect_with_a_new_signature(client: Any) -> None:
    assert client.get_me().uid == seed.ADMIN_UID


def test_it_signs_for_the_host_that_it_names(schoology: Schoology) -> None:
    auth = schoolopy.Auth(seed.CONSUMER_KEY, seed.CONSUMER_SECRET)
    section = schoolopy.Schoology(auth, api_host=f"{schoology.url}/v1/").get_section(ALGEBRA)
    auth.oauth.close()
    assert section.section_school_code == "section-7"


def test_it_does_the_three_legged_handshake(schoology: Schoology) -> None:
    auth = SchoolopyAuth(seed.APP_KEY, seed.APP_SECRET, domain=schoology.url, three_legged=True)
    auth.API_ROOT = f"{schoology.url}/v1"
    first = auth.oauth
    address = auth.request_authorization(callback_url="http://app.example/back")
    asked = parse_qs(urlsplit(address).query)
    assert schoology.http.get(address).status_code == 200
    form = {
        "oauth_token": asked["oauth_token"][0],
        "oauth_callback": asked["oauth_callback"][0],
        "uid": STUDENT,
        "allow": "1",
    }
    assert schoology.http.post(f"{schoology.url}/oauth/authorize", data=form).status_code == 302
    assert auth.authorize()
    student = schoolopy.Schoology(auth, api_host=f"{schoology.url}/v1/").get_self_user_info()
    first.close()
    auth.oauth.close()
    assert student.api_uid == int(STUDENT)
