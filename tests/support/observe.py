"""What the tests of what can be observed share."""

from __future__ import annotations

import contextlib
import io
import logging
from collections.abc import Iterator

from passback.observe.logs import Format, JsonFormatter, TextFormatter


@contextlib.contextmanager
def logged(form: Format = "text", level: int = logging.INFO) -> Iterator[io.StringIO]:
    """Everything that is logged inside the ``with``, as it would be on standard error."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(level)
    try:
        yield stream
    finally:
        root.setLevel(before)
        root.removeHandler(handler)
