"""What commands show: as text for people, or as JSON for programs.

JSON has every field, under names that stay (docs/reference/json-output.md). Text may change from version to version.
"""

from __future__ import annotations

import json as encoder
import shutil
import sys
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from passback.cli.text import one_line

Fields = Mapping[str, Any]
"""What JSON can hold, by names that stay. Times are text, as `passback.cli.text.iso` writes them."""

_GAP = "  "
_NARROWEST_LAST = 24
"""How many characters the last column needs, if it is to be wrapped."""


class Column(NamedTuple):
    """A column of a table."""

    heading: str
    field: str
    none: str = "-"
    """What stands for a value that there is not."""


def show_rows(rows: Iterable[Fields], columns: Sequence[Column], *, json: bool) -> None:
    """Print rows as a table of some of their fields, or all fields as a JSON array with a row on each line."""
    if json:
        _print_array(rows)
        return
    cells = [[it.heading for it in columns]]
    numeric = [True] * len(columns)
    for row in rows:
        values = [row[it.field] for it in columns]
        cells.append([_in_words(value, it.none) for value, it in zip(values, columns, strict=True)])
        numeric = [
            was and (value is None or (isinstance(value, int | float) and not isinstance(value, bool)))
            for was, value in zip(numeric, values, strict=True)
        ]
    _print_table(cells, [it and len(cells) > 1 for it in numeric], _terminal_width())


def show_fields(fields: Fields, *, json: bool) -> None:
    """Print one thing's fields, each on a line of its own; text leaves out what there is not."""
    if json:
        show_json(fields)
        return
    told = {name.replace("_", " "): _in_words(value, "") for name, value in fields.items()}
    show_named({name: text for name, text in told.items() if text})


def show_json(value: object) -> None:
    """Print one JSON document. It is ASCII: any terminal and any encoding takes it."""
    print(encoder.dumps(value, indent=2))


def _print_array(rows: Iterable[Fields]) -> None:
    before = "[\n"
    for row in rows:
        print(f"{before}{encoder.dumps(row)}", end="")
        before = ",\n"
    print("[]" if before == "[\n" else "\n]")


def _in_words(value: object, none: str) -> str:
    match value:
        case None | "":
            return none
        case bool():
            return "yes" if value else "no"
        case str():
            return one_line(value)
        case Mapping():
            return ", ".join(f"{name} {_in_words(it, none)}" for name, it in value.items())
        case Sequence():
            return ", ".join(_in_words(it, none) for it in value)
        case _:
            return str(value)


def _terminal_width() -> int | None:
    """The width of the terminal; None if it is none, and a line may be as long as it is."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def _print_table(cells: list[list[str]], to_right: Sequence[bool], width: int | None) -> None:
    widths = [max(map(_width, column)) for column in zip(*cells, strict=True)]
    before_last = sum(widths[:-1]) + len(_GAP) * (len(widths) - 1)
    if width is not None and before_last + widths[-1] > width:
        if before_last + _NARROWEST_LAST > width:
            _print_blocks(cells)
            return
        widths[-1] = width - before_last
    for row in cells:
        *first, last = (
            _padded(text, of, to_right=right) for text, of, right in zip(row, widths, to_right, strict=True)
        )
        lines = textwrap.wrap(last, widths[-1]) if _width(last) > widths[-1] else [last]
        print(_GAP.join([*first, lines[0]]).rstrip())
        for line in lines[1:]:
            print(" " * before_last + line)


def _print_blocks(cells: list[list[str]]) -> None:
    """Print each row below the one before, where a terminal is too narrow for a table."""
    headings, *rows = cells
    for number, row in enumerate(rows):
        if number:
            print()
        show_named(dict(zip(headings, row, strict=True)))


def show_named(texts: Mapping[str, str]) -> None:
    """Print texts, each beside its name."""
    widest = max(map(len, texts), default=0)
    for name, text in texts.items():
        print(f"{name:<{widest}}{_GAP}{text}")


def _padded(text: str, width: int, *, to_right: bool) -> str:
    blanks = " " * (width - _width(text))
    return blanks + text if to_right else text + blanks


def _width(text: str) -> int:
    """How many columns of a terminal a text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len  # only for names that need it: most commands print none

    return cell_len(text)
