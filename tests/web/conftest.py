from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.sandbox import Sandbox, serving


@pytest.fixture(scope="module")
def started() -> Iterator[Sandbox]:
    """A sandbox for all tests of a module, which reset it."""
    with serving() as sandbox:
        yield sandbox
