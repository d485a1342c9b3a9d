"""``passback connection``: districts' connections to their LMSs."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from passback.cli import Data, Port, group
from passback.cli.data import existing, on_database, vault, with_gateway
from passback.cli.output import Column, show_json, show_named, show_rows
from passback.cli.sign_in import CALLBACK_PORT, sign_in
from passback.cli.text import one_line
from passback.domain.clock import system_clock
from passback.operations import connections, districts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from passback.lms.interface import Finding

app = group("connection")

_COLUMNS = (
    Column("district id", "district_id"),
    Column("LMS", "lms_type"),
    Column("state", "lms_state"),
    Column("district", "district_name"),
    Column("address", "address"),
)


@app.command(name="list")
def list_connections(*, json: bool = False, data: Data = None) -> None:
    """List the districts with their LMSs.

    Args:
        json: Print JSON.
        data: The folder of the data file [data].
    """
    found = on_database(data, districts.list_all)
    rows = (
        {
            "district_id": one.district.id,
            "district_name": one.district.name,
            "lms_type": one.district.lms_type or None,
            "lms_state": one.district.lms_state or None,
            "address": one.address or None,
        }
        for one in found
    )
    show_rows(rows, _COLUMNS, json=json)


@app.command
def show(*, district: str, json: bool = False, data: Data = None) -> None:
    """Show a district's connection, without its secrets.

    Args:
        district: The district's id.
        json: Print JSON.
        data: The folder of the data file [data].
    """
    found = on_database(data, lambda it: connections.show(it, vault(data), district.lower()))
    if json:
        show_json({"address": found.address, "options": found.options, "secrets": found.secrets})
        return
    options = {name: one_line(value) or "-" for name, value in found.options.items()}
    show_named({"address": found.address, **options, **dict.fromkeys(found.secrets, "(kept encrypted)")})


@app.command
def check(*, district: str, json: bool = False, data: Data = None) -> int:
    """Check what of a district's connection works, and what is missing. This changes nothing in the LMS.

    Exit codes: 0 all works, 1 something does not, 2 usage error.

    Args:
        district: The district's id.
        json: Print JSON.
        data: The folder of the data file [data].
    """
    with existing(data) as database:
        findings = with_gateway(database, data, lambda it: connections.check(it, district.lower()))
    if json:
        show_rows(map(finding_fields, findings), (), json=True)
    else:
        report(findings)
    return 0 if all(it.good for it in findings) else 1


@app.command
def remove(*, district: str, data: Data = None) -> None:
    """Remove a district's connection with its credentials. Its assignments stay in the LMS.

    Args:
        district: The district's id.
        data: The folder of the data file [data].
    """
    district = district.lower()
    on_database(data, lambda it: connections.remove(it, district))
    print(f"district {district} is disconnected")


@app.command(name="sign-in-student")
def sign_in_student(
    *, district: str, user: str, callback_port: Port = CALLBACK_PORT, data: Data = None
) -> None:
    """Let a student sign in with the browser, for an LMS that takes work only from the student (Schoology).

    Args:
        district: The district's id.
        user: The student's id here.
        callback_port: The port on this machine to which the browser returns.
        data: The folder of the data file [data].
    """
    district, user = district.lower(), user.lower()
    keys = vault(data)
    with existing(data) as database:
        begun = asyncio.run(connections.student_sign_in(database, keys, district, user))
        fresh = sign_in(begun.kind, begun.address, begun.credentials, callback_port)
        asyncio.run(
            connections.add_student(
                database, keys, district, begun.lms_id, list(fresh.values()), system_clock
            )
        )
    print(f"{user} can hand in work now")


def finding_fields(finding: Finding) -> dict[str, Any]:
    """A finding, for JSON."""
    return {"good": finding.good, "what": finding.what, "remedy": finding.remedy}


def report(findings: Sequence[Finding]) -> bool:
    """Print the findings of a check. Whether all are good."""
    for finding in findings:
        print(f"{'ok ' if finding.good else 'NOT'}  {one_line(finding.what)}")
        if finding.remedy:
            print(f"     -> {one_line(finding.remedy)}")
    return all(finding.good for finding in findings)
