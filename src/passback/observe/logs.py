"""Log lines on standard error, as text or as JSON, with the ids of the request and its trace.

A record cannot be forged: control characters are escaped, and in text the lines of a traceback are indented. For
exceptions that are not ours only the type is logged: the message may quote its input, which may be a secret or a
student's data.
"""

from __future__ import annotations

import json
import logging
import time
import traceback
from typing import Literal

from passback.observe import request_id, tracing

Format = Literal["text", "json"]

_INDENT = "    "
_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
"""The fields of every record, and uvicorn's colored message; any other was passed as ``extra``."""


def configure(level: str, form: Format) -> None:
    """Log to standard error, from `level` (a name) up."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    # Does nothing if there are handlers already, such as a test's.
    logging.basicConfig(level=level.upper(), handlers=[handler])


class TextFormatter(logging.Formatter):
    """``TIME LEVEL logger: message (request ID)``, and a traceback below. The time is UTC."""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{_time(record.created)} {record.levelname} {record.name}: {one_line(record.getMessage())}"
        if (current := request_id.current()) is not None:
            line += f" (request {current})"
        if (error := _error(record)) is not None:
            line += "".join(f"\n{_INDENT}{one_line(below)}" for below in _traceback(error).split("\n"))
        return line


class JsonFormatter(logging.Formatter):
    """One JSON object on one line."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": _time(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if (current := request_id.current()) is not None:
            line["request_id"] = current
        if (trace := tracing.trace_id()) is not None:
            line["trace_id"] = trace
        if (error := _error(record)) is not None:
            line["exception"] = {"type": _name(type(error)), "traceback": _traceback(error)}
        for name, value in vars(record).items():
            if name not in _STANDARD_FIELDS:
                line.setdefault(name, value)
        # Lone surrogates (from bytes that are not UTF-8) would make strict readers drop the whole line.
        return json.dumps(line, default=str, ensure_ascii=False).encode("utf-8", "replace").decode()


def one_line(text: str) -> str:
    """`text` with line breaks and anything else unprintable escaped."""
    if text.isprintable():
        return text
    return "".join(it if it.isprintable() else it.encode("unicode_escape").decode() for it in text)


def _time(seconds: float) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{int(seconds % 1 * 1000):03d}Z"


def _error(record: logging.LogRecord) -> BaseException | None:
    return record.exc_info[1] if record.exc_info else None


def _traceback(error: BaseException) -> str:
    """The traceback of an exception and its causes, the root cause first."""
    parts = []
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        frames = "".join(traceback.format_tb(cause.__traceback__))
        parts.append(f"{frames}{_name(type(cause))}{_message(cause)}")
        parts += [
            _traceback(inner)
            for inner in getattr(cause, "exceptions", ())
            if isinstance(inner, BaseException)
        ]
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\n\n".join(reversed(parts))


def _message(error: BaseException) -> str:
    """An exception's message, if it is ours or the operating system's (such as a full disk)."""
    if isinstance(error, OSError):
        return f": {error.strerror}" if error.strerror else ""
    return f": {one_line(str(error))}" if type(error).__module__.startswith("passback.") else ""


def _name(kind: type[BaseException]) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
