"""What an operation costs: its statements, counted."""

from __future__ import annotations

import asyncio

import pytest
from bench.operations import statements

from support.postgres import DATABASES, database_of

STATEMENTS = {
    "POST refused by row 5": 1,
    "POST refused by row 7": 1,
    "GET an assignment": 2,
    "GET it while others write": 2,
    "POST a valid one, durable": 7,
    "PATCH a grade": 6,
    "PATCH 30 grades in bulk": 6,
    "GET a page of 100 submissions": 3,
}


@pytest.mark.parametrize("kind", DATABASES)
def test_each_operation_takes_so_many_statements(kind: str) -> None:
    with database_of(kind, "sandbox") as url:
        assert asyncio.run(statements(url)) == STATEMENTS
