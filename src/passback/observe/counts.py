"""Metrics that are counted while requests are answered: plain dictionaries, cheap to update and to import.

prometheus-client reads them only when metrics are scraped (`passback.observe.exposition`).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable

Labels = tuple[str, ...]

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""The upper bounds of a histogram's buckets, in seconds."""


class Counter:
    """Counts up, for each combination of label values."""

    def __init__(self, name: str, documentation: str, labels: Labels = ()) -> None:
        """`name` comes without the ``_total`` that is exposed."""
        self.name = name
        self.documentation = documentation
        self.labels = labels
        self.values: dict[Labels, int] = {} if labels else {(): 0}

    def add(self, *labels: str) -> None:
        """Count one."""
        self.values[labels] = self.values.get(labels, 0) + 1


class Histogram:
    """Counts durations in buckets, for each combination of label values."""

    def __init__(self, name: str, documentation: str, labels: Labels = ()) -> None:
        self.name = name
        self.documentation = documentation
        self.labels = labels
        self.values: dict[Labels, tuple[list[int], list[float]]] = {}
        """The count in each bucket (the last is for anything longer), and their sum in a list of one."""

    def add(self, seconds: float, *labels: str) -> None:
        """Record a duration."""
        value = self.values.get(labels)
        if value is None:
            value = self.values[labels] = [0] * (len(BUCKETS) + 1), [0.0]
        value[0][bisect_left(BUCKETS, seconds)] += 1
        value[1][0] += seconds


class Gauge:
    """Goes up and down; `read` returns the current values when metrics are scraped."""

    def __init__(
        self,
        name: str,
        documentation: str,
        labels: Labels,
        read: Callable[[], Iterable[tuple[Labels, float]]],
    ) -> None:
        self.name = name
        self.documentation = documentation
        self.labels = labels
        self.read = read


Count = Counter | Histogram | Gauge
