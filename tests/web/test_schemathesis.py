"""Requests generated from our own OpenAPI document: no answer is a server error, and the document describes each."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import passback
from passback.wire.openapi.document import document
from support.openapi import closed
from support.sandbox import TOKEN, Sandbox

SCHEMA = schemathesis.openapi.from_dict(closed(document(passback.__version__, sandbox=False)))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@pytest.fixture(autouse=True)
def _start(sandbox: Sandbox) -> None:
    """Reset the sandbox once; the generated requests build on each other."""


@SCHEMA.parametrize()
@settings(
    max_examples=12,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_conformance(case: Any, served: Sandbox) -> None:
    case.call_and_validate(
        base_url=f"http://127.0.0.1:{served.port}",
        headers={"Authorization": f"Bearer {TOKEN}"},
        checks=CHECKS,
    )
