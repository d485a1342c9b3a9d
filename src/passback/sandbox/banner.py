"""What the sandbox prints when it is ready: everything that a first call needs."""

from __future__ import annotations

import time
from collections.abc import Mapping

from passback_simulators.identities import ALGEBRA, DISTRICTS, SANDBOX_UNIFIED


def banner(url: str, simulators: Mapping[str, str], *, is_own: bool) -> str:
    """The sandbox's addresses, tokens and ids, and a first call to paste; `simulators` are URLs by kind of LMS.

    `is_own` says that only this machine can call the sandbox: else its console wants an account.
    """
    # What listens on every address is not called at one that stands for all.
    url = url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")
    wants = "" if is_own else "   (others can call it: passback account create NAME --role owner)"
    identity = SANDBOX_UNIFIED.id
    tokens = "\n".join(
        f"  {district.name:<20} {district.token:<22} {simulators.get(district.lms_type, '')}".rstrip()
        for district in DISTRICTS
    )
    due = f"{time.gmtime().tm_year + 1}-06-01T23:59:00Z"
    return f"""\
Passback sandbox: {url}/v3.1   (reference: {url}/docs)
Console:          {url}/console{wants}

Tokens (and the address of the simulated LMS behind each)
{tokens}

{SANDBOX_UNIFIED.name}, {ALGEBRA.name}
  section   {identity(ALGEBRA.digits)}
  teacher   {identity(ALGEBRA.teacher)}
  students  {identity(ALGEBRA.students[0])} to {identity(ALGEBRA.students[-1])}

Create an assignment:

curl -s -X POST {url}/v3.1/sections/{identity(ALGEBRA.digits)}/assignments \\
  -H 'Authorization: Bearer {SANDBOX_UNIFIED.token}' \\
  -d '{{"title":"Essay 1","description":"Two pages","due_date":"{due}","points_possible":20}}'
"""
