"""Simulated LMSs: small servers that behave like the real APIs, faults included."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from passback_simulators.clock import Clock
    from passback_simulators.hands import Hand
    from passback_simulators.simulator import Simulator
    from passback_simulators.state import Keep

_CLASSES = {
    "canvas": ("canvas", "CanvasSimulator"),
    "google": ("google_classroom", "ClassroomSimulator"),
    "moodle": ("moodle", "MoodleSimulator"),
    "schoology": ("schoology", "SchoologySimulator"),
    "lti": ("lti", "LtiSimulator"),
}
KINDS = tuple(_CLASSES)
"""The LMSs that are simulated, by a district's ``lms_type``."""


def simulator_of(kind: str, clock: Clock, keep: Keep | None = None, **how: str) -> Simulator:
    """Create a simulator without starting it; `how` are arguments of its own. Only its modules are imported."""
    package, name = _CLASSES[kind]
    module = import_module(f"{__name__}.{package}.app")
    simulator: Simulator = getattr(module, name)(clock, keep, **how)
    return simulator


def seed_of(kind: str) -> Any:
    """The module with the ids of the sandbox's sections and people in a simulated LMS."""
    return import_module(f"{__name__}.{_CLASSES[kind][0]}.seed")


def hand_of(kind: str, simulator: Simulator) -> Hand:
    """What people do in a simulated LMS."""
    hand: Hand = import_module(f"{__name__}.{_CLASSES[kind][0]}.hand").Hand(simulator)
    return hand


def address_of(kind: str, url: str) -> str:
    """The address for a connection to a simulator served at `url`."""
    return f"{url}/v1/" if kind == "schoology" else f"{url}/"
