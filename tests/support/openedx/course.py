"""The course and its people, for the server and for tests."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

COURSE = "course-v1:North+ALG1+2026"
TITLE, ORGANIZATION = "Algebra 1", "North High"


@dataclass(frozen=True)
class Member:
    """Somebody of the course; `roles` are Open edX's own words."""

    username: str
    name: str
    roles: tuple[str, ...] = ("student",)

    @property
    def email(self) -> str:
        return f"{self.username}@d.example"

    @property
    def external_id(self) -> str:
        """What tools know the person by."""
        return str(uuid.uuid5(uuid.NAMESPACE_DNS, self.username))


TOM = Member("tom", "Tom Teak", ("staff", "student"))
ANN, BEN, CLEO = Member("ann", "Ann Ash"), Member("ben", "Ben Birch"), Member("cleo", "Cleo Clay")
RESEARCHER = Member("rita", "Rita Rowan", ("data_researcher",))
STRANGER = Member("sam", "Sam Sorrel", ("wiki_editor",))
MEMBERS = (TOM, ANN, BEN, CLEO, RESEARCHER, STRANGER)


def usage_key(block: str) -> str:
    """The id of an activity: the ``id`` of the resource link in its launches."""
    return f"{COURSE.replace('course-v1', 'block-v1')}+type@lti_consumer+block@{block}"
