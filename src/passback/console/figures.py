"""How it has gone of late: samples of this process's own counts, which are those of ``/metrics``.

They are taken from when the first page shows them, so a process whose console nobody opens keeps none.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from itertools import pairwise
from typing import TYPE_CHECKING

from msgspec import Struct

from passback.domain.clock import MINUTE, SECOND, Instant, system_clock
from passback.operations.overview import Tried

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passback.observe.metrics import Metrics

EVERY_SECONDS = 30
_KEPT = 121
"""So many samples are an hour."""
_LEAST_DRAWN = 2
_NOT_OF_APPS = frozenset({"none", "page"})
_LMS_FAILED = frozenset({"failed", "throttled", "in_doubt"})


class Sample(Struct, frozen=True):
    """What had been counted at a time."""

    at: Instant
    requests: int
    """Of applications, to the API."""
    errors: int
    """Those that were answered with a status from 500 on."""
    to_lmss: int
    """Requests to LMSs, each try by itself."""
    lms_failed: int
    """Those that failed or were throttled."""
    districts: dict[str, Tried] = {}
    """The requests to the LMSs of districts, by the districts' ids."""


class Rate(Struct, frozen=True):
    """What was counted between two samples, a minute."""

    at: Instant
    """When the later one was taken."""
    requests: float
    errors: float
    to_lmss: float
    lms_failed: float


class Chart(Struct, frozen=True):
    """A small chart, for `static/charts.js`."""

    title: str
    data: str
    """JSON: the times in seconds, and the label and values of each line."""


class Figures:
    """The samples of one process."""

    def __init__(self) -> None:
        self._samples: deque[Sample] = deque(maxlen=_KEPT)
        self._task: asyncio.Task[None] | None = None

    def watch(self, metrics: Metrics) -> None:
        """Take samples from now on, if none are taken yet."""
        if self._task is None:
            self._samples.append(sample(metrics))
            self._task = asyncio.get_running_loop().create_task(self._take(metrics))

    async def _take(self, metrics: Metrics) -> None:
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            self._samples.append(sample(metrics))

    def summed(self, metrics: Metrics) -> Sample:
        """What was counted since the first sample that is kept, and when that was taken."""
        first, last = self._samples[0], sample(metrics)
        return Sample(
            first.at,
            last.requests - first.requests,
            last.errors - first.errors,
            last.to_lmss - first.to_lmss,
            last.lms_failed - first.lms_failed,
            {it: tried.since(first.districts.get(it, Tried())) for it, tried in last.districts.items()},
        )

    def rates(self) -> list[Rate]:
        """What was counted between the samples, oldest first."""
        return [rate(before, after) for before, after in pairwise(self._samples)]


def sample(metrics: Metrics) -> Sample:
    """What is counted now."""
    requests = errors = to_lmss = lms_failed = 0
    for (operation, _, status), count in metrics.requests.values.items():
        if operation not in _NOT_OF_APPS:
            requests += count
            errors += count if status >= "500" else 0
    found: dict[str, Tried] = {}
    for (_, district_id, outcome), count in metrics.lms_requests.values.items():
        failed = count if outcome in _LMS_FAILED else 0
        to_lmss += count
        lms_failed += failed
        before = found.get(district_id, Tried())
        found[district_id] = Tried(before.requests + count, before.failed + failed)
    return Sample(system_clock(), requests, errors, to_lmss, lms_failed, found)


def rate(before: Sample, after: Sample) -> Rate:
    """What was counted between two samples, a minute."""
    minutes = max(after.at - before.at, SECOND) / MINUTE
    return Rate(
        after.at,
        (after.requests - before.requests) / minutes,
        (after.errors - before.errors) / minutes,
        (after.to_lmss - before.to_lmss) / minutes,
        (after.lms_failed - before.lms_failed) / minutes,
    )


def charts(rates: Sequence[Rate]) -> list[Chart]:
    """The charts of what was counted; none while there is no line to draw."""
    if len(rates) < _LEAST_DRAWN:
        return []
    return [
        _chart(
            "Requests from apps, a minute",
            rates,
            {"all": [it.requests for it in rates], "errors": [it.errors for it in rates]},
        ),
        _chart(
            "Requests to LMSs, a minute",
            rates,
            {"all": [it.to_lmss for it in rates], "failed or throttled": [it.lms_failed for it in rates]},
        ),
    ]


def _chart(title: str, rates: Sequence[Rate], lines: Mapping[str, Sequence[float]]) -> Chart:
    series = [{"label": label, "values": [round(it, 2) for it in values]} for label, values in lines.items()]
    return Chart(title, json.dumps({"at": [it.at // SECOND for it in rates], "series": series}))
