"""Log lines on standard error, as text or as JSON, with the ids of the request and its trace.

Whatever is logged, a record stays a record: control characters are shown as escapes, and in text the lines of a
traceback are indented. Of an exception that is not ours, only the type is told: its words may quote what it was given,
and that may be a secret or a student's.
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
_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message"}
"""What every record has, and uvicorn's form for terminals; anything else was given as ``extra``."""


def configure(level: str, form: Format) -> None:
    """Log to standard error from `level` (a name) on."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter() if form == "json" else TextFormatter())
    # Other handlers are another's, such as a test's.
    logging.basicConfig(level=level.upper(), handlers=[handler])


class TextFormatter(logging.Formatter):
    """``LEVEL logger: message (request ID)``, and a traceback below."""

    def format(self, record: logging.LogRecord) -> str:
        line = f"{record.levelname} {record.name}: {one_line(record.getMessage())}"
        if (current := request_id.current()) is not None:
            line += f" (request {current})"
        if (error := _error(record)) is not None:
            line += "".join(f"\n{_INDENT}{one_line(below)}" for below in _told(error).split("\n"))
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
            line["exception"] = {"type": _name(type(error)), "traceback": _told(error)}
        for name, value in vars(record).items():
            if name not in _USUAL:
                line.setdefault(name, value)
        # What stands for a byte that is no UTF-8 is no text, and strict readers would drop the whole line.
        return json.dumps(line, default=str, ensure_ascii=False).encode("utf-8", "replace").decode()


def one_line(text: str) -> str:
    """`text` with escapes for line breaks and whatever else is not printable."""
    if text.isprintable():
        return text
    return "".join(it if it.isprintable() else it.encode("unicode_escape").decode() for it in text)


def _time(seconds: float) -> str:
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{int(seconds % 1 * 1000):03d}Z"


def _error(record: logging.LogRecord) -> BaseException | None:
    return record.exc_info[1] if record.exc_info else None


def _told(error: BaseException) -> str:
    """The traceback of an exception and of what brought it about, the cause first."""
    parts = []
    seen: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in seen:
        seen.add(id(cause))
        frames = "".join(traceback.format_tb(cause.__traceback__))
        parts.append(f"{frames}{_name(type(cause))}{_words(cause)}")
        parts += [
            _told(inner) for inner in getattr(cause, "exceptions", ()) if isinstance(inner, BaseException)
        ]
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "\n\n".join(reversed(parts))


def _words(error: BaseException) -> str:
    """What an exception says, where it is ours, or the operating system's (such as a full disk)."""
    if isinstance(error, OSError):
        return f": {error.strerror}" if error.strerror else ""
    return f": {one_line(str(error))}" if type(error).__module__.startswith("passback.") else ""


def _name(kind: type[BaseException]) -> str:
    return kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
