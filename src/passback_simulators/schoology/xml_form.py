"""Schoology's XML, which mirrors its JSON: a list is a repeated tag."""

from __future__ import annotations

from html import escape
from typing import Any


def write(content: Any) -> bytes:
    """An answer's JSON value as XML."""
    inner = _elements(content) if isinstance(content, dict) else escape(str(content), quote=False)
    return f'<?xml version="1.0" encoding="utf-8" ?>\n<result>{inner}</result>\n'.encode()


def _elements(content: dict[str, Any]) -> str:
    parts = []
    for tag, value in content.items():
        for item in value if isinstance(value, list) and value else [value]:
            text = _text(item)
            parts.append(f"<{tag}>{text}</{tag}>" if text else f"<{tag} />")
    return "".join(parts)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        return _elements(value)
    if value is None or value is False or value == []:
        return ""
    return escape("1" if value is True else str(value), quote=False)


def read(body: bytes) -> Any:
    """Read XML as the JSON that it mirrors. Raises ValueError."""
    from xml.etree import ElementTree as Tree

    if b"<!" in body:  # no client needs a document type, and entities can be made to explode
        raise ValueError("a document type is not supported")
    try:
        return _value(Tree.fromstring(body))  # noqa: S314 - entities are refused above
    except Tree.ParseError as error:
        raise ValueError(str(error)) from error


def _value(element: Any) -> Any:
    if not len(element):
        return (element.text or "").strip()
    content: dict[str, Any] = {}
    for child in element:
        value = _value(child)
        if child.tag not in content:
            content[child.tag] = value
        elif isinstance(content[child.tag], list):
            content[child.tag].append(value)
        else:
            content[child.tag] = [content[child.tag], value]
    return content
