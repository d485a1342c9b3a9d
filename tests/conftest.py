from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.postgres import DATABASES, database_of, end_server
from support.sandbox import NOW, Sandbox, serving
from support.simulators import end_servers


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
    return served
