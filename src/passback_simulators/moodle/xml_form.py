"""An answer in XML, as Moodle gives it unless JSON is asked for."""

from __future__ import annotations

from typing import Any
from xml.sax.saxutils import escape, quoteattr

_HEAD = '<?xml version="1.0" encoding="UTF-8" ?>\n'


def write(content: Any) -> bytes:
    """A function's answer, or an error, in XML."""
    if isinstance(content, dict) and "exception" in content:
        text = (
            f"<EXCEPTION class={quoteattr(content['exception'])}>\n<ERRORCODE>{escape(content['errorcode'])}"
            f"</ERRORCODE>\n<MESSAGE>{escape(content['message'])}</MESSAGE>\n</EXCEPTION>"
        )
        return (_HEAD + text).encode()
    return f"{_HEAD}<RESPONSE>\n{_value(content)}</RESPONSE>\n".encode()


def _value(content: Any) -> str:
    match content:
        case None:
            return '<VALUE null="null"/>\n'
        case dict():
            keys = "".join(
                f"<KEY name={quoteattr(name)}>{_value(it)}</KEY>\n" for name, it in content.items()
            )
            return f"<SINGLE>\n{keys}</SINGLE>\n"
        case list():
            return f"<MULTIPLE>\n{''.join(_value(it) for it in content)}</MULTIPLE>\n"
        case bool():
            return f"<VALUE>{int(content)}</VALUE>\n"
        case _:
            return f"<VALUE>{escape(str(content))}</VALUE>\n"
