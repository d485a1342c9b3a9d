"""The simulators: one server each for all tests, reset for each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from canvasapi import Canvas

from passback.testing.served import Served, serving
from passback_simulators.canvas.app import CanvasSimulator
from passback_simulators.moodle.app import MoodleSimulator
from support.canvas_client import ALGEBRA, as_admin
from support.classroom import (
    STUDENT,
    TEACHER,
    Classroom,
    Clients,
    create,
    serving_classroom,
    serving_clients,
)
from support.sandbox import SetClock
from support.schoology_client import Schoology, schoolopy_of, serving_schoology
from support.simulators import fresh


@pytest.fixture(scope="session")
def served_canvas() -> Iterator[Served]:
    simulator = CanvasSimulator(SetClock())
    simulator.start()
    with serving(simulator) as served:
        yield served


@pytest.fixture
def served(served_canvas: Served) -> Served:
    """The simulated Canvas."""
    return fresh(served_canvas)


@pytest.fixture
def canvas(served: Served) -> Canvas:
    """The community's client of Canvas, as the administrator."""
    return as_admin(served)


@pytest.fixture
def algebra(canvas: Canvas) -> Any:
    return canvas.get_course(ALGEBRA)


@pytest.fixture(scope="session")
def served_schoology() -> Iterator[Schoology]:
    with serving_schoology() as served:
        yield served


@pytest.fixture
def schoology(served_schoology: Schoology) -> Schoology:
    return fresh(served_schoology)


@pytest.fixture
def schoolopy_client(schoology: Schoology) -> Iterator[Any]:
    """The community's client, as the district's administrator."""
    with schoolopy_of(schoology.url) as client:
        yield client


@pytest.fixture(scope="session")
def served_moodle() -> Iterator[Served]:
    simulator = MoodleSimulator(SetClock())
    simulator.start()
    with serving(simulator) as served:
        yield served


@pytest.fixture
def moodle(served_moodle: Served) -> Served:
    """The simulated Moodle."""
    return fresh(served_moodle)


@pytest.fixture(scope="session")
def served_classroom() -> Iterator[Classroom]:
    with serving_classroom() as served:
        yield served


@pytest.fixture
def classroom(served_classroom: Classroom) -> Classroom:
    return fresh(served_classroom)


@pytest.fixture(scope="module")
def started_clients() -> Iterator[Clients]:
    with serving_clients() as clients:
        yield clients


@pytest.fixture
def clients(started_clients: Clients) -> Clients:
    """Google's own clients, on a simulated Classroom of their own."""
    fresh(started_clients.classroom)
    # The server closes what was idle for long, and httplib2 does not send a POST again.
    started_clients.close()
    return started_clients


@pytest.fixture
def teacher(clients: Clients) -> Any:
    """Google's own client, as Algebra's teacher."""
    return clients.as_user(TEACHER)


@pytest.fixture
def student(clients: Clients) -> Any:
    """Google's own client, as a student of Algebra."""
    return clients.as_user(STUDENT)


@pytest.fixture
def work(teacher: Any) -> Any:
    """Course work in Algebra."""
    return create(teacher)
