"""What is stable for connectors of other packages, and its version.

These names keep their meaning and signatures within a major version; a minor version adds to them. What is not named
here may change at any time. docs/reference/connector-surface.md shows all of it.
"""

from __future__ import annotations

from collections.abc import Mapping

PUBLIC: Mapping[str, tuple[str, ...]] = {
    "passback.domain.assignment": (
        "AssigneeMode", "Assignment", "AssignmentFields", "Attachment", "GradingType", "ScaleEntry",
    ),
    "passback.domain.clock": (
        "Clock", "DAY", "HOUR", "Instant", "MINUTE", "REAL_TIME", "SECOND", "Seconds", "Timer", "system_clock",
    ),
    "passback.domain.matching": ("LmsCourse", "Person", "SectionRef"),
    "passback.domain.roster": ("Role",),
    "passback.domain.submission": (
        "FLAGS", "Submission", "SubmissionFields", "SubmissionFlag", "SubmissionState", "TRANSITIONS", "flags_of",
    ),
    "passback.lms.http.client": (),
    "passback.lms.http.download": (),
    "passback.lms.http.links": (),
    "passback.lms.http.oauth2": (),
    "passback.lms.http.reply": (),
    "passback.lms.interface": (),
    "passback.lms.kit": (),
    "passback.lms.notes": (),
    "passback.lms.tokens": (),
    "passback.lms.toolkit.alike": (),
    "passback.lms.toolkit.html": (),
    "passback.lms.toolkit.json_fields": (),
    "passback.lms.toolkit.looks": (),
    "passback.lms.toolkit.pages": (),
    "passback.lms.toolkit.points": (),
    "passback.lms.toolkit.settling": (),
    "passback.lms.toolkit.transitions": (),
    "passback.lms.toolkit.ttl_cache": (),
    "passback.lms.toolkit.turns": (),
    "passback.lms.toolkit.unsupported_fields": (),
    "passback.testing.clock": (),
    "passback.testing.jumping": (),
    "passback.testing.lms": (),
    "passback.testing.quality": (),
    "passback.testing.served": (),
    "passback.testing.suite": (
        "Basics", "KeptOtherwise", "LateAnswers", "LostAnswers", "OddAnswers", "Rosters", "SpoiltAnswers", "Throttling",
    ),
    "passback_simulators.faults": ("Fault", "NAMES", "Rule"),
    "passback_simulators.records": (),
    "passback_simulators.reply": (),
    "passback_simulators.request": (),
    "passback_simulators.route": (),
    "passback_simulators.server": ("server", "serving"),
    "passback_simulators.simulator": (),
}  # fmt: skip
"""The stable modules, and of some only these names; without any, all that do not begin with an underscore."""

DIGESTS: Mapping[str, str] = {"1.0": "41d4092e5d2bb641"}
"""The versions, the newest last, and the digest of the surface of each (`surface_digest` of docs/generate.py)."""

KIT_VERSION = list(DIGESTS)[-1]
"""The version of what is stable for connectors, apart from Passback's own."""
