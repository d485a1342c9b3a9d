"""The sandbox's fixed ids and tokens. Clients and checks rely on them: they never change.

Every id consists of `PREFIX`, two hex digits for the district, and six digits.
"""

from __future__ import annotations

from msgspec import Struct

PREFIX = "4fee004cca2e43cf"


class SandboxDistrict(Struct, frozen=True):
    """One of the sandbox's districts."""

    name: str
    lms_type: str
    digits: str
    """The two hex digits in all of its ids."""
    token: str
    """The token of its application. It is no secret: it exists only in the sandbox."""

    def id(self, digits: str) -> str:
        """The id in this district that ends with these six digits."""
        return PREFIX + self.digits + digits

    @property
    def district_id(self) -> str:
        return self.id("000000")


class SandboxSection(Struct, frozen=True):
    """A section that every district of the sandbox has."""

    name: str
    subject: str
    digits: str
    teacher: str
    """The digits of its teacher."""
    students: tuple[str, ...]
    """The digits of its students."""


SANDBOX_UNIFIED = SandboxDistrict("Sandbox Unified", "builtin", "27", "DEMO_TOKEN")
ELSEWHERE_UNIFIED = SandboxDistrict("Elsewhere Unified", "builtin", "28", "DEMO_TOKEN_ELSEWHERE")
CANVAS_UNIFIED = SandboxDistrict("Canvas Unified", "canvas", "ca", "DEMO_CANVAS_TOKEN")
SCHOOLOGY_UNIFIED = SandboxDistrict("Schoology Unified", "schoology", "5c", "DEMO_SCHOOLOGY_TOKEN")
CLASSROOM_UNIFIED = SandboxDistrict("Classroom Unified", "google", "6c", "DEMO_GOOGLE_TOKEN")
LAUNCH_UNIFIED = SandboxDistrict("Launch Unified", "lti", "17", "DEMO_LTI_TOKEN")
MOODLE_UNIFIED = SandboxDistrict("Moodle Unified", "moodle", "3d", "DEMO_MOODLE_TOKEN")
SIMULATED = (CANVAS_UNIFIED, SCHOOLOGY_UNIFIED, CLASSROOM_UNIFIED, LAUNCH_UNIFIED, MOODLE_UNIFIED)
"""The districts whose LMS is a simulator."""
DISTRICTS = (SANDBOX_UNIFIED, ELSEWHERE_UNIFIED, *SIMULATED)
OF_KIND = {it.lms_type: it for it in (SANDBOX_UNIFIED, *SIMULATED)}
"""One district for each kind of LMS."""

ALGEBRA = SandboxSection(
    "Algebra 1", "math", "000007", "000001", tuple(f"{number:06}" for number in range(1001, 1031))
)
BIOLOGY = SandboxSection(
    "Biology", "science", "000008", "000002", tuple(f"{number:06}" for number in range(1031, 1041))
)
SECTIONS = (ALGEBRA, BIOLOGY)

SCHOOL = "000010"
TERM = "000020"
COURSES = {ALGEBRA.digits: "000031", BIOLOGY.digits: "000032"}
"""The digits of each section's course."""

TEACHERS = {"000001": ("Amara", "Okafor"), "000002": ("Jonas", "Lindqvist")}

_FIRST = (
    "Ada", "Ben", "Chloe", "Diego", "Elif", "Farid", "Grace", "Hana", "Ivan", "Jada",
    "Kofi", "Lena", "Mateo", "Nia", "Omar", "Priya", "Quinn", "Rosa", "Sven", "Tara",
    "Umar", "Vera", "Wen", "Ximena", "Yusuf", "Zoe", "Arjun", "Bella", "Caleb", "Dana",
    "Emil", "Fatima", "Gael", "Hugo", "Iris", "Jonah", "Keiko", "Liam", "Maya", "Noor",
)  # fmt: skip
_LAST = (
    "Abbott", "Bauer", "Castro", "Diaz", "Ekberg", "Fischer", "Garcia", "Hall", "Ito", "Jansen",
    "Khan", "Lopez", "Moreau", "Nguyen", "Osei", "Patel", "Quist", "Rossi", "Silva", "Tanaka",
    "Ueda", "Vargas", "Weber", "Xu", "Young", "Zimmer", "Anand", "Brown", "Cohen", "Duarte",
    "Evans", "Farah", "Gomez", "Hansen", "Ivers", "Jung", "Kato", "Larsen", "Mbeki", "Novak",
)  # fmt: skip
STUDENTS = {
    digits: (first, last)
    for digits, first, last in zip(ALGEBRA.students + BIOLOGY.students, _FIRST, _LAST, strict=True)
}
"""Each student's first and last name, by the digits."""
