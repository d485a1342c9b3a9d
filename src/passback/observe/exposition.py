"""The metrics in Prometheus's text format.

Imported on the first scrape: prometheus-client would make the server's startup a tenth slower.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from passback.observe.counts import BUCKETS, Count, Counter, Histogram

if TYPE_CHECKING:
    from passback.observe.metrics import Metrics

log = logging.getLogger(__name__)

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4.encode()

_BOUNDS = (*(f"{bound:g}" for bound in BUCKETS), "+Inf")


async def exposition(metrics: Metrics, version: str) -> bytes:
    """All metrics now, with the given program version."""
    build = GaugeMetricFamily("passback_build_info", "The running version of Passback.", labels=["version"])
    build.add_metric([version], 1)
    families = [build, *(family(count) for count in metrics.counts)]
    for source in metrics.sources:
        try:
            families += await source()
        except Exception:
            log.exception("a source of metrics failed")
    # A new registry for each scrape: it keeps no state, and servers in one process share nothing.
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    registry.register(_Collected(families))
    return generate_latest(registry)


def family(count: Count) -> Metric:
    """A count as a prometheus-client metric."""
    if isinstance(count, Counter):
        counter = CounterMetricFamily(count.name, count.documentation, labels=count.labels)
        for labels, value in count.values.items():
            counter.add_metric(labels, value)
        return counter
    if isinstance(count, Histogram):
        histogram = HistogramMetricFamily(count.name, count.documentation, labels=count.labels)
        for labels, (counts, (total,)) in count.values.items():
            buckets = list(zip(_BOUNDS, accumulate(counts), strict=True))
            histogram.add_metric(labels, buckets, total)
        return histogram
    gauge = GaugeMetricFamily(count.name, count.documentation, labels=count.labels)
    for labels, number in count.read():
        gauge.add_metric(labels, number)
    return gauge


class _Collected(Collector):
    """Metrics that have already been collected."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families
