from __future__ import annotations

from collections.abc import Iterator

import pytest

from support import NOW, Sandbox, serving


@pytest.fixture(scope="session")
def _served() -> Iterator[Sandbox]:
    with serving() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(_served: Sandbox) -> Sandbox:
    """A sandbox at its start; one server for all tests."""
    _served.clock.now = NOW
    assert _served.client(None).post("/sandbox/reset", b"").status == 200
    return _served
