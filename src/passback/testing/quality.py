"""How far a connector is: the rules of each level, and where a connector says that it stands.

A ``quality.toml`` beside a connector has a table for each rule. docs/reference/quality has a page for each.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

RULES: Mapping[str, tuple[str, ...]] = {
    "bronze": ("suite", "connection-check", "setup-page", "refusals-table"),
    "silver": ("asks-for-one", "throttling", "denied-objects"),
    "gold": ("bulk", "sign-in", "others-clients", "troubleshooting"),
    "platinum": ("real-lms", "in-a-district"),
}
"""The rules of each level, the lowest first. A level is reached by its rules and those of all below it."""


class Standing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a connector stands by one rule."""

    status: Literal["done", "todo", "exempt"]
    """``exempt`` if the LMS makes the rule pointless."""
    why: str
    """What shows that it is done, what is missing, or why it cannot apply: half a sentence."""


def read(file: Path) -> Mapping[str, Standing]:
    """Read a ``quality.toml``. Raises `ValueError` if it lacks a rule, or says something that is none."""
    found = msgspec.toml.decode(file.read_text("utf-8"), type=dict[str, Standing])
    rules = [rule for rules in RULES.values() for rule in rules]
    if list(found) != rules:
        wrong = ", ".join(sorted(set(rules) ^ found.keys())) or "the order"
        raise ValueError(f"{file} must have each rule once, in the order of the levels: {wrong}")
    return found


def level(standing: Mapping[str, Standing]) -> str:
    """Return the level that a connector has reached; empty if none."""
    reached = ""
    for name, rules in RULES.items():
        if any(standing[rule].status == "todo" for rule in rules):
            break
        reached = name
    return reached
