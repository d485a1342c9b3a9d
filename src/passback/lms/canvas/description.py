"""Attachments of an assignment: links in a block after its description, since Canvas has no other place for them."""

from __future__ import annotations

import html
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from passback.domain.assignment import Assignment, Attachment

if TYPE_CHECKING:
    from collections.abc import Sequence

_BLOCK = "passback-attachments"
_BLOCK_START = f'<div class="{_BLOCK}">'


def split_description(markup: str) -> tuple[str, tuple[Attachment, ...]]:
    """Return a description's own words, and the attachments that we added below them."""
    begin = markup.rfind(f'<div class="{_BLOCK}"')
    if begin < 0:
        return markup, ()
    parser = _Links()
    parser.feed(markup[begin:])
    parser.close()
    return markup[:begin], tuple(parser.found)


def with_attachments(
    description: str | None, attachments: Sequence[Attachment] | None, before: Assignment | None
) -> str:
    """Return a description with links to the attachments; what is None stays as `before`."""
    if description is None:
        description = before.description if before else ""
    if attachments is None:
        attachments = before.attachments if before else ()
    return description + _block(attachments)


def _block(attachments: Sequence[Attachment]) -> str:
    """Return links to the attachments: Canvas has no place for them except the description."""
    if not attachments:
        return ""
    items = "".join(
        f'<li><a class="passback-{item.type}" href="{html.escape(item.url or "")}"'
        f' title="{html.escape(item.description or "")}">{html.escape(item.title or item.url or "")}</a></li>'
        for item in attachments
    )
    return f"{_BLOCK_START}<ul>{items}</ul></div>"


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Attachment] = []
        self._open: dict[str, str] | None = None
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self._open = {name: value or "" for name, value in attrs}
            self._text = ""

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag != "a" or self._open is None:
            return
        url, title = self._open.get("href", ""), self._text.strip()
        kind = "file" if "passback-file" in self._open.get("class", "").split() else "link"
        self.found.append(
            Attachment(
                type=kind,
                url=url,
                title=title if title != url else None,
                description=self._open.get("title") or None,
            )
        )
        self._open = None
