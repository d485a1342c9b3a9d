from __future__ import annotations

import functools
import gc
import os
import signal
import sys
from collections.abc import Iterator

import httpcore2
import pytest
from hypothesis import HealthCheck, settings

from passback.store.engine.database import Connection
from passback.testing.served import end_servers
from support.postgres import DATABASES, database_of, end_server
from support.sandbox import NOW, Sandbox, serving

pytest_plugins = ["passback_sandbox", "support.browser", "support.openedx.started"]

# Commands and servers that tests start would compile all that they import, each time, if this is set.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# A shell lets what it starts in the background ignore this, and so would all that tests start, and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Every client that a test makes would read the machine's certificates, which takes some 25 milliseconds.
httpcore2.default_ssl_context = functools.cache(httpcore2.default_ssl_context)

# How long an example takes, or is drawn, says how busy the machine is.
settings.register_profile("busy", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("busy")


def pytest_collection_finish() -> None:
    """Leave what collecting the tests has made out of every collection of garbage: it stays to the end."""
    gc.collect()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the tests that wait longest, so that no process is left with one in the end."""
    items.sort(key=lambda item: "torture" not in item.path.parts)


@pytest.fixture(scope="session", autouse=True)
def servers_end() -> Iterator[None]:
    """See that no simulator and no database server outlives the tests."""
    yield
    end_servers()
    end_server()


@pytest.fixture(scope="session", params=DATABASES)
def served(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with database_of(request.param) as url, serving(database_url=url) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(served: Sandbox) -> Sandbox:
    """A sandbox at its start; one server for all tests on a kind of database."""
    served.clock.now = NOW
    served.names.clear()
    served.close()  # a server ends connections that were idle while other tests ran; the next request opens one
    assert served.client(None).post("/sandbox/reset", b"").status == 200
    served.write(_forget_pace)  # its clock never goes back but in tests
    return served


def _forget_pace(conn: Connection) -> None:
    for table in ("lms_breakers", "lms_paces", "lms_turns"):
        conn.execute(f"DELETE FROM {table}")
