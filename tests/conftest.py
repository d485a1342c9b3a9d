from __future__ import annotations

from collections.abc import Iterator

import pytest

from simulator_support import end_servers
from support import NOW, Sandbox, serving


@pytest.fixture(scope="session", autouse=True)
def servers_end() -> Iterator[None]:
    """See that no simulator outlives the tests."""
    yield
    end_servers()


@pytest.fixture(scope="session")
def served() -> Iterator[Sandbox]:
    with serving() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(served: Sandbox) -> Sandbox:
    """A sandbox at its start; one server for all tests."""
    served.clock.now = NOW
    served.names.clear()
    served.close()  # a server ends connections that were idle while other tests ran; the next request opens one
    assert served.client(None).post("/sandbox/reset", b"").status == 200
    return served
