"""Files for spreadsheets. Names and titles come from outside and may look like formulas, so every value is disarmed."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Iterable

_BEGIN_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def csv_file(name: str, columns: Iterable[str], rows: Iterable[Iterable[str]]) -> Response:
    """A CSV file to download. A value that a spreadsheet could take for a formula has a ``'`` before it."""
    text = io.StringIO()
    csv.writer(text).writerows([_disarmed(value) for value in row] for row in (columns, *rows))
    headers = {"content-disposition": f'attachment; filename="{name}.csv"'}
    return Response(text.getvalue(), media_type="text/csv", headers=headers)


def _disarmed(value: str) -> str:
    return "'" + value if value.startswith(_BEGIN_FORMULAS) else value
