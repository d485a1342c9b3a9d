from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.sandbox import Sandbox, serving


@pytest.fixture
def own() -> Iterator[Sandbox]:
    """A sandbox of the test's own."""
    with serving() as sandbox:
        yield sandbox
