from __future__ import annotations

from collections.abc import Iterator

import pytest

from passback.testing.lms import Lms
from support.lti_lms import lti


@pytest.fixture
def moodle() -> Iterator[Lms]:
    with lti("moodle") as served:
        yield served
