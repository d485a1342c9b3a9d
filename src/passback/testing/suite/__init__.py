"""The suite: a class for each kind of promise that a connector makes.

A test module of a connector's package has a subclass of each, named ``Test...``, and a fixture ``lms``
(`passback.testing.lms.Lms`). A test that cannot hold is overridden there, with the reason.
"""

from passback.testing.suite.basics import Basics
from passback.testing.suite.kept_otherwise import KeptOtherwise
from passback.testing.suite.late_answers import LateAnswers
from passback.testing.suite.lost_answers import LostAnswers
from passback.testing.suite.odd_answers import OddAnswers
from passback.testing.suite.rosters import Rosters
from passback.testing.suite.spoilt_answers import SpoiltAnswers
from passback.testing.suite.throttling import Throttling

__all__ = [
    "Basics",
    "KeptOtherwise",
    "LateAnswers",
    "LostAnswers",
    "OddAnswers",
    "Rosters",
    "SpoiltAnswers",
    "Throttling",
]
