"""The numbers that Prometheus reads."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterable

import pytest
from prometheus_client import Metric
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.parser import text_string_to_metric_families

import passback
from passback.observe.counts import BUCKETS, Counter, Gauge
from passback.observe.exposition import exposition
from passback.observe.metrics import Metrics
from passback_simulators.identities import CANVAS_UNIFIED
from passback_simulators.reply import Reply as SimulatorReply
from passback_simulators.request import Request as SimulatorRequest
from passback_simulators.simulator import Simulator
from support.sandbox import ASSIGNMENTS, ESSAY, SECTION, STUDENTS, Reply, Sandbox, serving


def families(text: bytes) -> dict[str, Metric]:
    found = list(text_string_to_metric_families(text.decode()))
    assert len({family.name for family in found}) == len(found)
    return {family.name: family for family in found}


def values(sandbox: Sandbox, sample: str, **labels: str) -> float:
    """The sum of the samples of that name that have these labels."""
    reply = sandbox.client(None).get("/metrics")
    return sum(
        it.value
        for family in families(reply.body).values()
        for it in family.samples
        if it.name == sample and labels.items() <= it.labels.items()
    )


def canvas(sandbox: Sandbox, fault: str | None = None, method: str = "POST") -> Reply:
    path = f"/v3.1/sections/{CANVAS_UNIFIED.id('000007')}/assignments"
    headers = {} if fault is None else {"Sandbox-Fault": fault}
    body = json.dumps(ESSAY) if method == "POST" else None
    return sandbox.client(CANVAS_UNIFIED.token).call(method, path, body, headers)


def test_they_come_in_the_standard_form_without_a_token(own: Sandbox) -> None:
    own.create()
    reply = own.client(None).get("/metrics")
    assert (reply.status, reply.headers["content-type"]) == (200, "text/plain; version=0.0.4; charset=utf-8")
    found = families(reply.body)
    assert {name: found[name].type for name in found if name.startswith("passback_")} == {
        "passback_build_info": "gauge",
        "passback_deliveries": "gauge",
        "passback_delivery_attempts": "counter",
        "passback_delivery_backlog_seconds": "gauge",
        "passback_delivery_seconds": "histogram",
        "passback_requests": "counter",
        "passback_request_seconds": "histogram",
        "passback_rate_limited": "counter",
        "passback_lms_requests": "counter",
        "passback_lms_request_seconds": "histogram",
        "passback_lms_throttled": "counter",
        "passback_breaker_open": "gauge",
        "passback_lms_sync_age_seconds": "gauge",
        "passback_lms_sync_failures": "gauge",
        "passback_lti_launches": "counter",
    }
    assert found["passback_build_info"].samples[0].labels == {"version": passback.__version__}
    assert {"python_info", "process_resident_memory_bytes", "python_gc_collections"} <= set(found)


def test_they_are_only_read(own: Sandbox) -> None:
    head, post = own.call("HEAD", "/metrics"), own.call("POST", "/metrics")
    assert (head.status, head.body, post.status, post.headers["allow"]) == (200, b"", 405, "GET, HEAD")


def test_they_can_be_switched_off() -> None:
    with serving(metrics=False) as sandbox:
        assert sandbox.get("/metrics").status == 404


def test_requests_are_counted_by_operation_method_and_status(own: Sandbox) -> None:
    own.create()
    own.create()
    own.post(ASSIGNMENTS, "{}")
    own.client("WRONG").get(ASSIGNMENTS)
    own.delete(ASSIGNMENTS)
    own.get("/health/live")
    counted = [
        values(own, "passback_requests_total", operation=operation, method=method, status=status)
        for operation, method, status in (
            ("create_assignment", "POST", "200"),
            ("create_assignment", "POST", "400"),
            ("list_assignments", "GET", "403"),
            ("none", "DELETE", "405"),
            ("page", "GET", "200"),
        )
    ]
    assert counted[:4] == [2, 1, 1, 1]
    assert counted[4] >= 1


def test_what_clients_invent_makes_no_counts_of_its_own(own: Sandbox) -> None:
    for number in range(20):
        own.call(f"BREW{number}", ASSIGNMENTS)
        own.get(f"/v3.1/nowhere/{number}")
        own.call("GET", f"/v3.1/sections/{SECTION}/assignments/{number}")
    found = families(own.get("/metrics").body)["passback_requests"]
    assert {tuple(sorted(it.labels.items())) for it in found.samples} == {
        (("method", "other"), ("operation", "none"), ("status", "405")),
        (("method", "GET"), ("operation", "none"), ("status", "404")),
        (("method", "GET"), ("operation", "read_assignment"), ("status", "400")),
    }


def test_times_fall_into_buckets(own: Sandbox) -> None:
    own.create()
    name = "passback_request_seconds"
    counts = [
        values(own, f"{name}_bucket", operation="create_assignment", le=f"{bound:g}") for bound in BUCKETS
    ]
    total = values(own, f"{name}_count", operation="create_assignment")
    endless = values(own, f"{name}_bucket", operation="create_assignment", le="+Inf")
    assert counts == sorted(counts)
    assert total == endless == 1
    assert 0 < values(own, f"{name}_sum", operation="create_assignment") < 30


def test_the_rate_limit_is_counted() -> None:
    with serving(rate_limit=2) as sandbox:
        assert values(sandbox, "passback_rate_limited_total") == 0
        assert [sandbox.get(ASSIGNMENTS).status for _ in range(4)] == [200, 200, 429, 429]
        assert values(sandbox, "passback_rate_limited_total") == 2


def test_requests_to_an_lms_are_counted_by_what_became_of_them(own: Sandbox) -> None:
    assert canvas(own).status == 200
    done = values(own, "passback_lms_requests_total", lms="canvas", outcome="ok")
    assert done >= 1
    assert values(own, "passback_lms_requests_total", outcome="failed") == 0
    assert values(own, "passback_lms_request_seconds_count", lms="canvas") == done
    assert canvas(own, "error-before", "GET").status == 500
    assert values(own, "passback_lms_requests_total", lms="canvas", outcome="failed") >= 1
    assert canvas(own, "throttled").status == 500
    throttled = values(own, "passback_lms_throttled_total", lms="canvas")
    assert throttled >= 1
    assert values(own, "passback_lms_requests_total", lms="canvas", outcome="throttled") == throttled


def test_a_write_that_may_have_happened_is_in_doubt(own: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    answer = Simulator.answer

    async def fail_writes(simulator: Simulator, request: SimulatorRequest) -> SimulatorReply:
        return SimulatorReply(503) if request.method == "POST" else await answer(simulator, request)

    monkeypatch.setattr(Simulator, "answer", fail_writes)
    assert canvas(own).status == 500
    assert values(own, "passback_lms_requests_total", lms="canvas", outcome="in_doubt") == 1
    assert values(own, "passback_lms_requests_total", lms="canvas", outcome="ok") >= 1


def test_each_open_connection_shows_whether_it_rests(own: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    district = CANVAS_UNIFIED.district_id
    assert canvas(own).status == 200
    shown = families(own.get("/metrics").body)["passback_breaker_open"].samples
    assert [(it.labels, it.value) for it in shown] == [({"lms": "canvas", "district": district}, 0)]

    async def fail(*_: object) -> SimulatorReply:
        return SimulatorReply(503)

    monkeypatch.setattr(Simulator, "answer", fail)
    for _ in range(6):
        canvas(own)
    assert values(own, "passback_breaker_open", lms="canvas", district=district) == 1
    own.gateway.connectors.forget()
    assert "passback_breaker_open{" not in own.get("/metrics").body.decode()


def test_sources_are_asked_at_each_scrape_and_may_fail(
    own: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    asked = []

    async def backlog() -> Iterable[Metric]:
        asked.append(1)
        family = GaugeMetricFamily("passback_backlog", "What waits.", labels=["lms"])
        family.add_metric(["canvas"], len(asked))
        return [family]

    async def broken() -> Iterable[Metric]:
        raise RuntimeError("no")

    own.gateway.metrics.add_source(broken)
    own.gateway.metrics.add_source(backlog)
    assert [values(own, "passback_backlog", lms="canvas") for _ in range(2)] == [1, 2]
    assert "a source of metrics failed" in caplog.text


def test_servers_share_no_numbers() -> None:
    with serving() as one, serving() as two:
        one.create()
        assert values(one, "passback_requests_total", operation="create_assignment") == 1
        assert values(two, "passback_requests_total", operation="create_assignment") == 0


def test_odd_labels_are_escaped() -> None:
    metrics = Metrics()
    odd = 'a"b\\c\nd'
    metrics.add(Counter("odd", "Odd.", ("label",))).add(odd)
    metrics.add(Gauge("odder", "Odder.", ("label",), lambda: [((odd,), 2.5)]))
    found = families(asyncio.run(exposition(metrics, "1")))
    assert [found[name].samples[0].labels["label"] for name in ("odd", "odder")] == [odd, odd]


def test_the_server_starts_without_what_only_readers_need() -> None:
    script = (
        "import sys, passback.app; from passback.observe import tracing; tracing.start('off', '1'); "
        "print(sorted({name.split('.')[0] for name in sys.modules} & {'prometheus_client', 'opentelemetry'}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_deliveries_are_counted_by_state_and_lms(own: Sandbox) -> None:
    path = own.create()
    headers = {"Prefer": "respond-async"}
    for fault, student in ((None, STUDENTS[0]), ("not-enrolled", STUDENTS[1]), ("timeout", STUDENTS[2])):
        with_fault = headers if fault is None else {**headers, "Sandbox-Fault": fault}
        own.call("PATCH", f"{path}/submissions/{student}", '{"grade_points":1}', with_fault)
    give_up = time.monotonic() + 10
    while len(own.get("/v3.1/deliveries?state=delivered,refused").data) < 2 or not any(
        one["attempts"] for one in own.get("/v3.1/deliveries?state=waiting").data
    ):
        assert time.monotonic() < give_up
        time.sleep(0.01)
    own.clock.now += 400  # before the next try
    shown = own.get("/metrics").body.decode()
    for line in (
        'passback_delivery_attempts_total{lms="builtin",outcome="delivered"} 1.0',
        'passback_delivery_attempts_total{lms="builtin",outcome="refused"} 1.0',
        'passback_delivery_attempts_total{lms="builtin",outcome="failed"} 1.0',
        'passback_delivery_seconds_count{lms="builtin"} 1.0',
        'passback_deliveries{lms="builtin",state="refused"} 1.0',
        'passback_deliveries{lms="builtin",state="waiting"} 1.0',
        'passback_delivery_backlog_seconds{lms="builtin"} ',
    ):
        assert line in shown
