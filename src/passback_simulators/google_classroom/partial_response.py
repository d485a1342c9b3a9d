"""The ``fields`` parameter of Google's APIs: a part of the response, such as ``students(userId,profile/name)``."""

from __future__ import annotations

import re
from typing import Any

from passback_simulators.google_classroom import errors

_Tree = dict[str, "_Tree"]
"""The names to keep and what to keep within each, empty for everything; ``*`` is any name."""

_TOKEN = re.compile(r"[\w*]+|[/,()]")


def select(content: Any, fields: str) -> Any:
    """The selected part of a message, or of each message in a list."""
    tokens = _TOKEN.findall(fields)
    if "".join(tokens) != fields.replace(" ", ""):
        raise _invalid(fields)
    tree = _read(tokens, fields)
    if tokens:
        raise _invalid(fields)
    return _keep(content, tree)


def _read(tokens: list[str], fields: str) -> _Tree:
    """Parse a list of selections, removing its tokens."""
    tree: _Tree = {}
    while True:
        branch = tree
        while True:
            if not tokens or tokens[0] in "/,()":
                raise _invalid(fields)
            name = tokens.pop(0)
            branch = branch.setdefault(name, {})
            if not (tokens and tokens[0] == "/"):
                break
            tokens.pop(0)
        if tokens and tokens[0] == "(":
            tokens.pop(0)
            branch |= _read(tokens, fields)
            if not tokens or tokens.pop(0) != ")":
                raise _invalid(fields)
        if not (tokens and tokens[0] == ","):
            return tree
        tokens.pop(0)


def _keep(content: Any, tree: _Tree) -> Any:
    if not tree:
        return content
    if isinstance(content, list):
        return [_keep(item, tree) for item in content]
    if not isinstance(content, dict):
        return content
    within = {name: tree.get(name, tree.get("*")) for name in content}
    return {name: _keep(content[name], part) for name, part in within.items() if part is not None}


def _invalid(fields: str) -> Exception:
    return errors.invalid(f"Invalid field selection {fields}", "fields")
