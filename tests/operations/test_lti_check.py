"""What a check says of an LMS that starts applications: each fault by itself, in plain words, with what to do."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from passback.lms.interface import Finding
from passback.operations import connections as operation
from passback.store import connections, districts, notes
from passback.store.engine.database import Connection
from passback.testing.served import Served, serving
from passback_simulators.identities import ALGEBRA, BIOLOGY
from passback_simulators.lti import seed
from passback_simulators.lti.app import LtiSimulator
from support.sandbox import Sandbox
from support.sandbox import serving as serving_gateway

DISTRICT = "4fee004cca2e43cf28000000"
SECTIONS = {"4fee004cca2e43cf28000007": ALGEBRA, "4fee004cca2e43cf28000008": BIOLOGY}


@dataclass
class World:
    """A district that is connected to an LMS in which everything is as it should be."""

    gateway: Sandbox
    lms: Served

    def connect(self, **changes: str) -> None:
        simulator = self.lms.simulator
        assert isinstance(simulator, LtiSimulator)
        credentials = simulator.connection_credentials(self.lms.url)
        options = {**simulator.connection_options(self.lms.url), **changes}

        def write(conn: Connection) -> None:
            connections.save(
                conn, DISTRICT, address=f"{self.lms.url}/", options=options, now=self.gateway.clock(),
                credentials=connections.seal(self.gateway.gateway.vault, DISTRICT, {**credentials, **options}),
            )  # fmt: skip
            districts.set_lms(conn, DISTRICT, "lti", "success", f"{self.lms.url}/")
            said = seed.contexts(simulator.profile.family)
            notes.save(conn, DISTRICT, {f"context/{course}": about for course, about in said.items()})
            for ours, theirs in SECTIONS.items():
                conn.execute(
                    "UPDATE sections SET lms_id = :lms_id WHERE id = :id",
                    {"lms_id": seed.SECTION_LMS_ID[theirs.digits], "id": ours},
                )

        self.gateway.write(write)

    def check(self) -> Sequence[Finding]:
        gateway = self.gateway.gateway

        async def run() -> Sequence[Finding]:
            try:
                return await operation.check(gateway, DISTRICT)
            finally:
                await gateway.connectors.close()

        return asyncio.run(run())

    def bad(self) -> list[tuple[str, str]]:
        """What is not as it should be, and what to do about it."""
        return [(it.what, it.remedy or "") for it in self.check() if not it.good]


@pytest.fixture(params=["sakai", "moodle"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with serving_gateway() as gateway:
        simulator = LtiSimulator(gateway.clock, family=request.param)
        simulator.start()
        with serving(simulator) as lms:
            made = World(gateway, lms)
            made.connect()
            yield made


def test_if_nothing_is_missing_everything_is_good(world: World) -> None:
    found = world.check()
    assert [it for it in found if not it.good] == []
    said = "\n".join(it.what for it in found)
    for words in (
        "gives it tokens", "may give grades", "courses are known from launches", "can read who is in the course",
        "can be asked who opens the app", "publishes the keys", "taken from deployment 3", "all matched sections (2)",
    ):  # fmt: skip
        assert words in said
    assert all("://" not in it.what for it in found)


NOBODY = "nobody can open the app from"


@pytest.mark.parametrize("world", ["sakai"], indirect=True)
@pytest.mark.parametrize(
    ("changes", "what", "remedy"),
    [
        ({"jwks_url": ""}, "jwks_url must be given", "connect the district again"),
        ({"jwks_url": "/nowhere"}, "at jwks_url for its public keys, it answers 404", "compare jwks_url"),
        ({"jwks_url": "/.well-known/openid-configuration"}, "its answer is no list of keys", "compare jwks_url"),
        ({"jwks_url": "http://sakai.example/jwks"}, "must begin with https://", "compare jwks_url"),
        ({"jwks_url": "http://127.0.0.1:9/jwks"}, "at jwks_url for its public keys, it", "the gateway may reach it"),
        ({"auth_login_url": ""}, "auth_login_url must be given", "connect the district again"),
        ({"auth_login_url": "http://sakai.example/auth"}, "must begin with https://", "compare auth_login_url"),
        ({"auth_login_url": "http://127.0.0.1:9/auth"}, "at auth_login_url who comes, it", "compare auth_login_url"),
        ({"deployment_ids": ""}, "no deployment is known", "passback lti add-deployment"),
    ],
)  # fmt: skip
def test_a_fault_of_launches_is_named(world: World, changes: dict[str, str], what: str, remedy: str) -> None:
    world.connect(**changes)
    [(said, advised)] = world.bad()
    assert said.startswith(f"{NOBODY} Sakai: ")
    assert what in said
    assert remedy in advised


@pytest.mark.parametrize("world", ["sakai"], indirect=True)
def test_faults_of_grades_and_of_launches_are_told_apart(world: World) -> None:
    world.connect(client_id="unknown", jwks_url="/nowhere")
    [(grades, _), (launches, _)] = world.bad()
    assert "gives the app no token" in grades
    assert launches.startswith(NOBODY)


def note_of(world: World, section: str, change: Any) -> None:
    """What a launch has said of a section's course, changed; None if nobody has opened the app there."""
    key = f"context/{seed.SECTION_LMS_ID[SECTIONS[section].digits]}"

    def write(conn: Connection) -> None:
        said = notes.find(conn, DISTRICT, [key])[key]
        notes.save(conn, DISTRICT, {key: None if change is None else {**said, **change}})

    world.gateway.write(write)


@pytest.mark.parametrize(
    ("world", "lacking"), [("sakai", ["1 of 2 matched sections"]), ("moodle", [])], indirect=["world"]
)
def test_a_section_that_was_never_opened_is_counted(world: World, lacking: list[str]) -> None:
    section = next(iter(SECTIONS))
    note_of(world, section, None)
    found = world.bad()
    assert [words in what for words, (what, _) in zip(lacking, found, strict=True)] == [True] * len(lacking)
    for _, remedy in found:
        assert f"once in each of these courses: {seed.SECTION_LMS_ID[ALGEBRA.digits]}" in remedy


@pytest.mark.parametrize("world", ["sakai"], indirect=True)
@pytest.mark.parametrize(
    ("lacks", "what"),
    [
        ("lineitems", "1 course does not take grades"),
        ("memberships_url", "1 course does not show the app who"),
    ],
)
def test_a_course_without_a_service_is_found(world: World, lacks: str, what: str) -> None:
    note_of(world, list(SECTIONS)[1], {lacks: ""})
    (said, _), (sections, _) = world.bad()
    assert what in said
    assert "1 of 2 matched sections" in sections
