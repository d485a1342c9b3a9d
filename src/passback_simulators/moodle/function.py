"""A function of the web services."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from passback_simulators.moodle.params import Spec


class Function(Struct, frozen=True):
    """What a function takes, what it does, and whether it only reads."""

    spec: Spec
    handler: Callable[..., Any]
    """Takes the state and the parameters by name; returns the content of the answer."""
    reads: bool = False
