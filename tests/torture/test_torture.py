"""The short form of ``make torture``."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
from torture.equals import equals
from torture.kill import kill
from torture.lmss import LTI, MOODLE, Tortured
from torture.older_copy import older_copy
from torture.outage import outage
from torture.proxy import proxy
from torture.store import Result, full_disk, killed_server
from torture.storm import storm
from torture.twins import twins

from passback.domain.clock import MINUTE
from support.postgres import DATABASES
from torture import plot


@pytest.mark.parametrize("kind", DATABASES)
def test_kill_9_loses_nothing_and_repeats_nothing(kind: str) -> None:
    result = kill(kind, 8, seed=7)
    assert len(result.promised.points) > 5
    assert result.wrong == []


@pytest.mark.parametrize("lms", [LTI, MOODLE], ids=["lti", "moodle"])
def test_kill_9_loses_nothing_in_other_lmss(lms: Tortured) -> None:
    result = kill("postgresql", 4, seed=7, lms=lms)
    assert len(result.promised.points) > 5
    assert result.wrong == []


@pytest.mark.parametrize("kind", DATABASES)
def test_grades_arrive_once_though_many_calls_fail(kind: str) -> None:
    result = storm(kind, 60, failing=0.25, patient=False)
    assert result.failed_calls > 0
    assert result.wrong == []


def test_after_an_outage_everything_arrives_and_nothing_stampedes() -> None:
    result = outage(600, down_for=5 * MINUTE)
    assert result.undelivered == 0
    assert result.calls_while_down < 100
    assert result.back_after <= MINUTE
    assert "#" in plot.text(result)
    assert plot.picture(result).startswith("<svg")


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="no limit can be set for another process")
@pytest.mark.parametrize("fail", [full_disk, killed_server])
def test_a_store_that_fails_is_told_and_recovers_by_itself(fail: Callable[[], Result]) -> None:
    result = fail()
    assert result.statuses.keys() <= {200, 202, 503}
    assert 503 in result.during
    assert result.wrong == []


@pytest.mark.parametrize("kind", DATABASES)
def test_behind_a_faulty_proxy_nothing_is_lost_or_doubled(kind: str) -> None:
    result = proxy(kind, 4, seed=7)
    assert result.spoilt > 0
    assert result.wrong == []


@pytest.mark.parametrize("lms", [LTI, MOODLE], ids=["lti", "moodle"])
def test_behind_a_faulty_proxy_nothing_is_lost_in_other_lmss(lms: Tortured) -> None:
    result = proxy("sqlite", 4, seed=7, lms=lms)
    assert result.spoilt > 0
    assert result.wrong == []


def test_equal_creates_whose_answers_are_lost_are_made_once_each() -> None:
    assert equals(8).wrong == []


def test_an_older_copy_overwrites_nothing_that_is_newer() -> None:
    result = older_copy(3, seed=7)
    assert len(result.promised.points) > 10
    assert result.wrong == []


@pytest.mark.parametrize("kind", DATABASES)
def test_equal_requests_with_one_key_make_one(kind: str) -> None:
    assert twins(kind, 25).wrong == []
