"""``passback doctor``: whether a gateway can run here."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec.structs import asdict

from passback.cli import Data
from passback.cli.output import show_rows
from passback.cli.text import one_line
from passback.operations import doctor as operation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.operations.checks import Check


def doctor(*, json: bool = False, data: Data = None) -> int:
    """Check whether a gateway can run here: the machine, the settings, the database, the network. It changes nothing.

    Exit codes: 0 it can (there may be warnings), 1 there is a problem, 2 usage error.

    Args:
        json: Print JSON.
        data: The folder of the data file [data].
    """
    found = asyncio.run(operation.examine(data))
    if json:
        show_rows(map(asdict, found), (), json=True)
    else:
        show_checks(found)
    return int(any(it.level == "problem" for it in found))


def show_checks(found: Sequence[Check]) -> None:
    """Print checks, each with what to do about it below."""
    widest = max((len(it.subject) for it in found), default=0)
    for it in found:
        print(f"{it.level:<7}  {it.subject:<{widest}}  {one_line(it.found)}")
        if it.todo is not None:
            print(f"{'':<7}  {'':<{widest}}  -> {one_line(it.todo)}")
