"""The figures: this process's own counts, as on its metrics page."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
from importlib.resources import files

from passback.console.figures import Figures, Rate, Sample, charts, rate, sample
from passback.observe.metrics import Metrics
from passback.operations.overview import Tried
from passback_simulators.identities import MOODLE_UNIFIED
from support.console import Visitor
from support.sandbox import Sandbox, serving


def _counted() -> Metrics:
    metrics = Metrics()
    for operation, status in (
        ("get_section", "200"),
        ("get_section", "500"),
        ("page", "500"),
        ("none", "404"),
    ):
        metrics.requests.add(operation, "GET", status)
    for outcome in ("ok", "refused", "failed", "throttled", "in_doubt"):
        metrics.lms_requests.add("canvas", "north", outcome)
    return metrics


def test_requests_of_apps_and_to_lmss_are_summed_as_they_are_counted() -> None:
    found = sample(_counted())
    assert (found.requests, found.errors, found.to_lmss, found.lms_failed) == (2, 1, 5, 3)
    assert found.districts == {"north": Tried(5, 3)}


def test_what_is_counted_between_two_samples_is_shown_for_a_minute() -> None:
    before, after = Sample(0, 10, 0, 4, 1), Sample(30_000, 40, 3, 4, 1)
    assert rate(before, after) == Rate(30_000, 60, 6, 0, 0)


def test_there_is_no_chart_before_there_is_a_line() -> None:
    one = Rate(30_000, 60, 6, 0, 0)
    assert charts([one]) == []
    first = json.loads(charts([one, one])[0].data)
    assert first == {
        "at": [30, 30],
        "series": [{"label": "all", "values": [60, 60]}, {"label": "errors", "values": [6, 6]}],
    }


def test_samples_are_taken_once_somebody_looks() -> None:
    async def look() -> int:
        figures, metrics = Figures(), _counted()
        assert figures.rates() == []
        figures.watch(metrics)
        metrics.requests.add("get_section", "GET", "200")
        figures.watch(metrics)
        return figures.summed(metrics).requests

    assert asyncio.run(look()) == 1


def test_the_start_page_says_what_is_on_the_metrics_page(owner: Visitor, production: Sandbox) -> None:
    owner.get("/console/districts")
    production.get("/v3.1/sections")
    text = owner.get("/console/districts").body.decode()
    for word in ("Traffic", "Requests from apps", "Answered with an error", "Failed or throttled there"):
        assert word in text


def test_what_is_vendored_is_what_the_manifest_says() -> None:
    folder = files("passback.console") / "static" / "vendor"
    for package in json.loads((folder / "manifest.json").read_text("utf-8")):
        for name, digest in package["files"].items():
            assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == digest, name


def test_a_district_whose_lms_often_fails_comes_first_and_says_so() -> None:
    moodle = MOODLE_UNIFIED.district_id
    with serving() as sandbox, contextlib.closing(Visitor(sandbox.port)) as visitor:
        visitor.get("/console/districts")
        assert "Of late" not in visitor.get(f"/console/districts/{moodle}").body.decode()
        for outcome, count in (("ok", 30), ("failed", 10)):
            for _ in range(count):
                sandbox.gateway.metrics.lms_requests.add("moodle", moodle, outcome)
        page = visitor.get("/console/districts").body.decode()
        one = visitor.get(f"/console/districts/{moodle}").body.decode()
    assert page.index("Moodle Unified") < page.index("Canvas Unified")
    assert "25.0 %" in page
    assert "Of late 10 of 40 requests to the LMS failed." in page
    assert "Needs a look" in one
    assert "40 requests, of which 10 failed" in one
