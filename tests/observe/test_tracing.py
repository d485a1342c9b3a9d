"""Traces: from the client's request to the LMS's."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, format_span_id, format_trace_id

from passback.observe import tracing
from passback.observe.spans import Tracing, otlp
from passback_simulators.identities import CANVAS_UNIFIED, SIMULATED, SandboxDistrict
from passback_simulators.reply import Reply as SimulatorReply
from passback_simulators.request import Request as SimulatorRequest
from passback_simulators.simulator import Simulator
from support.observe import logged
from support.sandbox import ASSIGNMENTS, DISTRICT, ESSAY, STUDENT, Client, Sandbox

TEMPLATE = "/v3.1/sections/{section_id}/assignments"
TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """Traces, kept in memory."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracing.use(Tracing(provider))
    yield exporter
    tracing.stop()


def ids(span: ReadableSpan) -> tuple[str, str, str | None]:
    """A span's trace, itself, and its parent."""
    assert span.context is not None
    parent = format_span_id(span.parent.span_id) if span.parent is not None else None
    return format_trace_id(span.context.trace_id), format_span_id(span.context.span_id), parent


def servers(spans: InMemorySpanExporter) -> list[ReadableSpan]:
    return [span for span in spans.get_finished_spans() if span.kind is SpanKind.SERVER]


def test_a_request_is_a_span_of_the_clients_trace(sandbox: Sandbox, spans: InMemorySpanExporter) -> None:
    sandbox.call("GET", f"{ASSIGNMENTS}?limit=1", headers={"traceparent": TRACEPARENT, "X-Request-Id": "r-1"})
    (span,) = servers(spans)
    assert ids(span)[::2] == (TRACE, PARENT)
    assert span.name == f"GET {TEMPLATE}"
    assert span.attributes is not None
    attributes = dict(span.attributes)
    assert attributes.pop("passback.application")
    assert attributes == {
        "http.request.method": "GET",
        "http.response.status_code": 200,
        "http.route": TEMPLATE,
        "url.path": TEMPLATE,
        "url.scheme": "http",
        "passback.request_id": "r-1",
        "passback.district_id": DISTRICT,
    }
    assert span.status.status_code is StatusCode.UNSET


@pytest.mark.parametrize(
    "told", ["", "nonsense", f"00-{'0' * 32}-{PARENT}-01", "00-" + "é" * 32, TRACEPARENT + "-x", "x" * 9000]
)
def test_a_traceparent_that_is_none_begins_a_trace(
    sandbox: Sandbox, spans: InMemorySpanExporter, told: str
) -> None:
    assert sandbox.call("GET", ASSIGNMENTS, headers={"traceparent": told}).status == 200
    (span,) = servers(spans)
    trace, _, parent = ids(span)
    assert parent is None
    assert trace != TRACE


def test_what_clients_invent_is_not_in_a_spans_name(sandbox: Sandbox, spans: InMemorySpanExporter) -> None:
    sandbox.call("BREW", ASSIGNMENTS)
    sandbox.get(f"/nowhere/{STUDENT}")
    assert [(span.name, (span.attributes or {})["http.request.method"]) for span in servers(spans)] == [
        (f"HTTP {TEMPLATE}", "_OTHER"),
        ("GET", "GET"),
    ]


def test_a_fault_of_ours_is_an_error_and_a_mistake_of_the_clients_is_none(
    sandbox: Sandbox, spans: InMemorySpanExporter
) -> None:
    sandbox.call("GET", ASSIGNMENTS, headers={"Sandbox-Fault": "error-before"})
    sandbox.call("POST", ASSIGNMENTS, "{}")
    ours, theirs = servers(spans)
    assert (ours.status.status_code, (ours.attributes or {})["error.type"]) == (StatusCode.ERROR, "500")
    assert (theirs.status.status_code, "error.type" in (theirs.attributes or {})) == (StatusCode.UNSET, False)


@pytest.mark.parametrize("district", SIMULATED, ids=lambda it: it.lms_type)
def test_the_lms_is_told_the_trace(
    own: Sandbox, spans: InMemorySpanExporter, monkeypatch: pytest.MonkeyPatch, district: SandboxDistrict
) -> None:
    told: list[str | None] = []
    answer = Simulator.answer

    async def listen(simulator: Simulator, request: SimulatorRequest) -> SimulatorReply:
        told.append(request.headers.get("traceparent"))
        assert "tracestate" not in request.headers
        return await answer(simulator, request)

    monkeypatch.setattr(Simulator, "answer", listen)
    path = f"/v3.1/sections/{district.id('000007')}/assignments"
    headers = {"traceparent": TRACEPARENT, "tracestate": "vendor=secret"}
    reply = own.client(district.token).call("POST", path, ESSAY, headers)
    assert reply.status == 200
    (server,) = servers(spans)
    clients = [span for span in spans.get_finished_spans() if span.kind is SpanKind.CLIENT]
    assert clients
    assert {ids(span)[::2] for span in clients} == {(TRACE, ids(server)[1])}
    assert told == [f"00-{TRACE}-{ids(span)[1]}-01" for span in clients]
    for span in clients:
        attributes = dict(span.attributes or {})
        assert attributes.pop("server.port")
        assert attributes.pop("http.response.status_code") in (200, 201, 303)
        assert attributes == {
            "http.request.method": span.name,
            "server.address": "127.0.0.1",
            "url.scheme": "http",
        }


def test_an_lms_that_cannot_be_reached_is_an_error(own: Sandbox, spans: InMemorySpanExporter) -> None:
    path = f"/v3.1/sections/{CANVAS_UNIFIED.id('000007')}/assignments"
    own.client(CANVAS_UNIFIED.token).call(
        "POST", path, json.dumps(ESSAY), {"Sandbox-Fault": "expired-credentials"}
    )
    failed = [span for span in spans.get_finished_spans() if span.status.status_code is StatusCode.ERROR]
    assert {span.kind for span in failed} == {SpanKind.CLIENT, SpanKind.SERVER}
    assert not any(span.events for span in failed)


def test_a_trace_is_continued_later(spans: InMemorySpanExporter) -> None:
    span = tracing.server_span("GET", {b"traceparent": [TRACEPARENT.encode()]}, "r-1")
    assert span is not None
    with span:
        kept = tracing.traceparent()
        assert tracing.trace_id() == TRACE
    assert kept is not None
    assert tracing.traceparent() is None
    with tracing.continued(kept, "deliver"), tracing.client_span("PUT", "https://lms.example/x"):
        pass
    request, lms, delivery = sorted(spans.get_finished_spans(), key=lambda span: span.kind.value)
    assert ids(delivery)[::2] == (TRACE, ids(request)[1])
    assert ids(lms)[::2] == (TRACE, ids(delivery)[1])
    assert (lms.attributes or {})["server.port"] == 443
    assert delivery.name == "deliver"


@pytest.mark.parametrize("text", [None, "nonsense"])
def test_what_cannot_be_continued_begins_anew(spans: InMemorySpanExporter, text: str | None) -> None:
    with tracing.continued(text, "deliver"):
        pass
    (span,) = spans.get_finished_spans()
    assert span.parent is None


def test_logs_have_the_traces_id(sandbox: Sandbox, spans: InMemorySpanExporter) -> None:
    with logged("json") as log:
        sandbox.call("GET", ASSIGNMENTS, headers={"traceparent": TRACEPARENT})
    assert json.loads(log.getvalue())["trace_id"] == TRACE


def test_without_tracing_nothing_is_made() -> None:
    assert tracing.server_span("GET", {b"traceparent": [TRACEPARENT.encode()]}, "r") is None
    with tracing.client_span("GET", "http://127.0.0.1/") as span:
        assert (dict(span.headers), tracing.traceparent(), tracing.trace_id()) == ({}, None, None)
    with tracing.continued(TRACEPARENT, "deliver"):
        assert tracing.traceparent() is None
    tracing.stop()


def test_without_the_extra_the_start_says_what_to_install() -> None:
    script = (
        "import sys; sys.modules['opentelemetry'] = None\n"
        "import passback.cli; sys.argv[1:] = ['sandbox', '--data', ':memory:', '--port', '0']; passback.cli.main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=environment(PASSBACK_TRACING="otlp"), capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert re.fullmatch(
        r"passback: setting 'tracing' is 'otlp': .*pip install 'passback\[opentelemetry\]'.*\n", done.stderr
    )


class Collector(http.server.BaseHTTPRequestHandler):
    """Takes spans as OTLP over HTTP."""

    taken: list[tuple[str, str | None, ExportTraceServiceRequest]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.taken.append((self.path, self.headers.get("x-key"), ExportTraceServiceRequest.FromString(body)))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@contextlib.contextmanager
def collecting() -> Iterator[tuple[str, list[tuple[str, str | None, ExportTraceServiceRequest]]]]:
    taken: list[tuple[str, str | None, ExportTraceServiceRequest]] = []
    handler = type("Taking", (Collector,), {"taken": taken})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", taken
        server.shutdown()
        thread.join(20)


def environment(**more: str) -> dict[str, str]:
    kept = {name: it for name, it in os.environ.items() if not name.startswith(("PASSBACK_", "OTEL_"))}
    return {**kept, **more}


def test_the_collectors_key_is_not_logged_if_its_header_is_written_wrongly(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "Authorization: Bearer s3cr3t")
    with logged(level=logging.WARNING) as log:
        otlp("1").shutdown()
    assert ("Header format invalid" in log.getvalue(), "s3cr3t" in log.getvalue()) == (True, False)


def test_the_command_sends_its_traces_to_the_collector_and_logs_in_json() -> None:
    with (
        collecting() as (url, taken),
        subprocess.Popen(
            [sys.executable, "-m", "passback", "sandbox", "--data", ":memory:", "--port", "0"],
            env=environment(
                PASSBACK_TRACING="otlp", PASSBACK_LOG_FORMAT="json", PASSBACK_LOG_LEVEL="info",
                OTEL_EXPORTER_OTLP_ENDPOINT=url, OTEL_EXPORTER_OTLP_HEADERS="x-key=collector-key",
                OTEL_SERVICE_NAME="gateway-7",
            ),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as server,
    ):  # fmt: skip
        try:
            assert server.stdout is not None
            port = re.search(r"http://127\.0\.0\.1:(\d+)", server.stdout.readline())
            assert port
            client = Client(int(port[1]))
            status = client.call("POST", ASSIGNMENTS, ESSAY, {"traceparent": TRACEPARENT}).status
            client.close()
        finally:
            server.send_signal(signal.SIGTERM)
        _, errors = server.communicate(timeout=30)
    assert (status, server.returncode) == (200, 0)
    assert {(path, key) for path, key, _ in taken} == {("/v1/traces", "collector-key")}
    found = [
        (span.trace_id.hex(), span.parent_span_id.hex(), span.name)
        for _, _, request in taken
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert found == [(TRACE, PARENT, f"POST {TEMPLATE}")]
    named = {it.key: it.value.string_value for it in taken[0][2].resource_spans[0].resource.attributes}
    assert named["service.name"] == "gateway-7"
    lines = [json.loads(line) for line in errors.splitlines()]
    access = [line for line in lines if line["logger"] == "passback.access"]
    assert [(line["status"], line["trace_id"]) for line in access] == [(200, TRACE)]


def test_what_is_delivered_later_is_in_the_trace_of_its_request(
    sandbox: Sandbox, spans: InMemorySpanExporter
) -> None:
    client = sandbox.client(CANVAS_UNIFIED.token)
    section = f"/v3.1/sections/{CANVAS_UNIFIED.id('000007')}/assignments"
    headers = {"Prefer": "respond-async", "traceparent": TRACEPARENT}
    reply = client.call("POST", section, json.dumps(dict(ESSAY)), headers)
    assert reply.status == 202
    give_up = time.monotonic() + 10
    while client.get(reply.headers["location"]).data["state"] != "delivered":
        assert time.monotonic() < give_up
        time.sleep(0.01)
    later = [span for span in spans.get_finished_spans() if span.name == "deliver create_assignment"]
    assert [ids(span)[0] for span in later] == [TRACE]
    to_lms = [
        span
        for span in spans.get_finished_spans()
        if span.kind is SpanKind.CLIENT and ids(span)[2] == ids(later[0])[1]
    ]
    assert to_lms
