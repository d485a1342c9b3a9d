"""How a simulated LMS fails on demand: for the requests that a rule names, or for one that carries the header.

The names are those of the ``Sandbox-Fault`` header, and some more that only the control endpoint accepts.
"""

from __future__ import annotations

import random
import re
from collections import OrderedDict
from typing import Annotated

from msgspec import Meta, Struct

HEADER = "sandbox-fault"
"""The request header: a fault's name, and after a semicolon the id of the API request that it belongs to."""

NAMES = (
    "timeout", "timeout-after", "error-before", "error-after", "throttled", "dropped", "dropped-after", "malformed",
    "expired-credentials", "deleted", "not-enrolled",
)  # fmt: skip
"""Every fault except ``slow=``. "After" means that the request takes effect all the same."""

BEFORE = frozenset({"timeout", "error-before", "throttled", "dropped", "expired-credentials"})
"""Those that keep a request from having any effect."""
AFTER = frozenset({"timeout-after", "error-after", "dropped-after", "malformed"})
"""Those that spoil only the reply."""

_SLOW = re.compile(r"slow=(\d{1,5})(ms|s)", re.ASCII)
_MOST_REMEMBERED = 1000


class InvalidFault(ValueError):
    """The fault does not exist."""


class Fault(Struct, frozen=True):
    """What goes wrong."""

    name: str
    seconds: float = 0.0
    """How long the LMS takes, with ``slow``."""


def parse(text: str) -> Fault:
    """Parse the name of a fault. Raises `InvalidFault`."""
    slow = _SLOW.fullmatch(text)
    if slow is not None:
        return Fault("slow", int(slow[1]) / (1000 if slow[2] == "ms" else 1))
    if text in NAMES:
        return Fault(text)
    raise InvalidFault(f"there is no fault {text!r}: it must be one of [{' '.join(NAMES)}] or slow=500ms")


class Rule(Struct, forbid_unknown_fields=True):
    """A fault for future requests."""

    fault: str
    times: Annotated[int, Meta(ge=1)] | None = 1
    """How many more requests it applies to; None means all."""
    method: str | None = None
    """Only requests of this method."""
    path: str | None = None
    """Only requests whose path contains this regular expression."""
    chance: Annotated[float, Meta(ge=0, le=1)] = 1.0
    """The probability that a matching request meets the fault."""


class Faults:
    """The faults that are in force."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []
        self._wrote: OrderedDict[str, None] = OrderedDict()

    def meet(self, method: str, path: str, header: str | None) -> Fault | None:
        """The fault that a request meets, if any; a rule that is used up is dropped."""
        if header is not None:
            return self._of_header(method, header)
        for rule in self.rules:
            if rule.method not in (None, method) or (rule.path and not re.search(rule.path, path)):
                continue
            if rule.chance < 1 and random.random() >= rule.chance:  # noqa: S311 - nothing secret
                continue
            if rule.times is not None:
                rule.times -= 1
                if rule.times <= 0:
                    self.rules.remove(rule)
            return parse(rule.fault)
        return None

    def _of_header(self, method: str, header: str) -> Fault | None:
        """The fault of one request to the gateway, which may call the LMS several times.

        With ``error-after`` the LMS fails from the request's first write on, which takes effect.
        """
        text, _, request_id = header.partition(";")
        fault = parse(text.strip())
        if fault.name != "error-after":
            return fault
        if request_id in self._wrote:
            return Fault("error-before")
        if method == "GET":
            return None
        self._wrote[request_id] = None
        if len(self._wrote) > _MOST_REMEMBERED:
            self._wrote.popitem(last=False)
        return fault
