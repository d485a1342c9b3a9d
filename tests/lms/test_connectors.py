"""Our connectors pass the suite that every connector passes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lms.conftest import NETWORKED
from passback.testing import suite
from passback.testing.lms import Lms


class TestBasics(suite.Basics):
    pass


class OnANetwork:
    @pytest.fixture(params=NETWORKED)
    def lms(self, request: pytest.FixtureRequest) -> Iterator[Lms]:
        """Every LMS but the built-in gradebook, which is reached over no network and whose sections are the roster's."""
        with NETWORKED[request.param]() as served:
            yield served


class TestRosters(OnANetwork, suite.Rosters):
    pass


class TestLostAnswers(OnANetwork, suite.LostAnswers):
    pass


class TestSpoiltAnswers(OnANetwork, suite.SpoiltAnswers):
    pass


class TestOddAnswers(OnANetwork, suite.OddAnswers):
    pass


class TestLateAnswers(OnANetwork, suite.LateAnswers):
    pass


class TestKeptOtherwise(OnANetwork, suite.KeptOtherwise):
    pass


class TestThrottling(OnANetwork, suite.Throttling):
    pass
