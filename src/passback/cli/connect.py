"""``passback connect``: connect a district to its LMS."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from passback.cli import Data, Port, UsageError, leaving
from passback.cli.connection import finding_fields, report
from passback.cli.data import existing, on_database, vault
from passback.cli.output import show_json
from passback.cli.sign_in import CALLBACK_PORT
from passback.cli.sign_in import sign_in as sign_in_with_browser
from passback.domain.clock import system_clock
from passback.lms.registry import BUILTIN
from passback.operations import connections, districts, lms_settings, lti
from passback.operations.start_notes import require_shared_key
from passback.settings import load

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from passback.lms.interface import ConnectorKind, Finding
    from passback.operations.connections import Connected, NewConnection
    from passback.operations.open import Opened

_LONGEST_VALUE = 1_000_000

Values = Annotated[tuple[str, ...], Parameter(name="--set", negative="")]


def connect(
    kind: str,
    *,
    district: str | None = None,
    name: str | None = None,
    address: str | None = None,
    settings: Values = (),
    family: str | None = None,
    link: bool = False,
    sign_in: bool = False,
    callback_port: Port = CALLBACK_PORT,
    same_lms: bool = False,
    json: bool = False,
    data: Data = None,
) -> int:
    """Connect a district to its LMS, and check that the connection works.

    If the LMS cannot be reached or refuses the credentials, nothing changes: no new district is made, and a connection
    that the district has stays as it is.

    Args:
        kind: canvas, schoology, google, lti, moodle, the kind of another connector, or builtin, which is Passback's own
            gradebook.
        district: The district's id. Without it, a new district is created.
        name: The name of the new district.
        address: The LMS's address, such as https://district.instructure.com.
        settings: A credential or option, as NAME=VALUE or NAME=@FILE; may be given several times. The command asks for
            missing ones; credentials are encrypted, and never shown again.
        family: For lti, what the LMS is: moodle, canvas, brightspace, blackboard, sakai, openedx, schoology or other.
            Most addresses follow from that.
        link: For lti, print a link instead. Opened by an administrator where the LMS registers tools, it registers
            Passback there and connects the district. It is good for one week, and for one registration.
        sign_in: Let someone sign in with the browser instead of giving all credentials.
        callback_port: The port on this machine to which the browser returns.
        same_lms: The LMS is the one that the district used before, at a new address: matches are kept.
        json: Print JSON.
        data: The folder of the data file [data].
    """
    if kind == BUILTIN:
        given_more = bool(address or settings or sign_in)
        return _use_own_gradebook(district, name, data, given=given_more, json=json)
    found = lms_settings.kind(kind)
    given = dict(_setting(found, text) for text in settings)
    base = _address(found, address)
    given = _by_family(found, base, family, given, link=link)
    with existing(data) as database:
        district = _district(database, district, name)
        require_shared_key(load(data=data))  # before anybody is asked for anything
        if link:
            link_made = _invite(database, base, given["family"], district, name or "", data)
            _print_link(link_made, json=json)
            return 0
        nothing = "no district was made" if district is None else "nothing was changed"
        with leaving(lambda: nothing):
            given |= _ask_for_missing(found, given, signing_in=sign_in)
            if sign_in:
                given |= sign_in_with_browser(found, base, given, callback_port)
            wanted = connections.NewConnection(found, base, given, same_lms)
            with _other_lms_told():
                findings, wanted = asyncio.run(
                    connections.try_out(database, vault(data), wanted, system_clock, district_id=district)
                )
        if not connections.works(findings):
            if json:
                show_json(_fields(findings, district, None))
                return 1
            report(findings)
            print(f"{nothing.capitalize()}.")
            return 1
        # Only now, so that a command that fails or is aborted leaves nothing behind, and breaks nothing that works.
        connected = _connect(database, wanted, district, name or "", data)
        if json:
            show_json(_fields(findings, connected.district_id, wanted))
            return 0
        _print_connected(connected, wanted)
        good = report(findings)
        has_roster = asyncio.run(connections.has_roster(database, connected.district_id))
    if not good:
        print(
            "It is connected, but what is marked NOT does not work until it is mended: passback connection check"
            f"{_options(connected.district_id, data)}"
        )
    _say_what_is_next(connected.district_id, data, has_roster=has_roster)
    return 0


def _connect(
    database: Opened, wanted: NewConnection, district_id: str | None, name: str, data: str | None
) -> Connected:
    with _other_lms_told():
        return asyncio.run(
            connections.connect(
                database,
                vault(data),
                wanted,
                system_clock,
                district_id=district_id,
                name=name,
                also=lti.only_district(wanted),
            )
        )


def _print_connected(connected: Connected, wanted: NewConnection) -> None:
    print(
        f"district {connected.district_id} is connected to {wanted.kind.capabilities.name} at {wanted.address}"
    )
    if not connected.kept_matches:
        print("It was connected to another LMS before: its matches to that are forgotten.")


def _fields(
    findings: Sequence[Finding], district_id: str | None, connected: NewConnection | None
) -> dict[str, Any]:
    """What came of connecting, for JSON."""
    return {
        "connected": connected is not None,
        "district_id": district_id,
        "address": None if connected is None else connected.address,
        "findings": [finding_fields(it) for it in findings],
    }


def _by_family(
    kind: ConnectorKind, base: str, family: str | None, given: Mapping[str, str], *, link: bool
) -> dict[str, str]:
    """The settings, with what follows from an LMS's family. Raises `UsageError`."""
    if kind.capabilities.kind != lti.KIND:
        if family is not None or link:
            raise UsageError("--family and --link are for lti only")
        return dict(given)
    family = family or given.get("family")
    if family is None:
        raise UsageError("--family is missing: what the LMS is, such as moodle")
    lms_settings.check_value(lms_settings.setting(kind, "family"), family)
    return {**lti.defaults(family, base), **given, "family": family}


def _invite(
    database: Opened, base: str, family: str, district: str | None, name: str, data: str | None
) -> str:
    """Make a link by which an LMS registers Passback."""
    return asyncio.run(
        lti.invite(
            database,
            vault(data),
            system_clock,
            load(data=data).base_url,
            family=family,
            address=base,
            district_id=district,
            name=name,
        )
    )


def _print_link(link: str, *, json: bool) -> None:
    if json:
        show_json({"link": link})
        return
    print(
        "Let an administrator open this link where the LMS registers tools (in Moodle: Manage tools, Tool URL):"
    )
    print(link)
    print("It is good for one week and for one registration. Nothing is connected until then.")


@contextlib.contextmanager
def _other_lms_told() -> Iterator[None]:
    """Say what to do about a roster that was read from another LMS."""
    try:
        yield
    except connections.OtherLms as error:
        raise UsageError(
            f"{error}: create a new district with --name, import a roster first, or give --same-lms if only the LMS's"
            " address has changed"
        ) from None


def _say_what_is_next(district_id: str, data: str | None, *, has_roster: bool) -> None:
    options = _options(district_id, data)
    if has_roster:
        print(f"next: passback sync run{options} (a running server does it by itself)")
    else:
        print(f"next: passback roster import FILE{options}")
        print(f"or, if the LMS is the only source: passback roster import --from-lms{options}")


def _options(district_id: str, data: str | None) -> str:
    return f" --district {district_id}" + (f" --data {shlex.quote(data)}" if data else "")


def _setting(kind: ConnectorKind, text: str) -> tuple[str, str]:
    """A setting's name and value, of NAME=VALUE or NAME=@FILE."""
    name, separator, value = text.partition("=")
    if not separator:
        # What is no name may be the secret itself.
        named = name if any(it.name == name for it in kind.settings) else "NAME"
        raise UsageError(f"--set has no value: write {named}=VALUE or {named}=@FILE")
    setting = lms_settings.setting(kind, name)
    if value.startswith("@"):
        value = _read_value(name, Path(value[1:]).absolute())
    lms_settings.check_value(setting, value)
    return name, value


def _read_value(name: str, path: Path) -> str:
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(_LONGEST_VALUE).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"cannot read {name} from {path}: {error}") from None


def _address(kind: ConnectorKind, address: str | None) -> str:
    text = address or kind.address.default
    if text is None:
        raise UsageError(f"--address is missing: {kind.address.meaning}")
    return lms_settings.base_address(kind, text)


def _district(database: Opened, district: str | None, name: str | None) -> str | None:
    """The district that is named; None for a new one. Raises `UsageError` and `NotFound`."""
    if district is not None and name:
        raise UsageError("--district names an existing district, --name a new one: give one of them")
    if district is None and not name:
        raise UsageError("--district or --name is missing: the district's id, or the name of a new one")
    if district is None:
        districts.require_name(name or "")
        return None
    return asyncio.run(districts.find(database, district.lower())).id


def _use_own_gradebook(
    district: str | None, name: str | None, data: str | None, *, given: bool, json: bool
) -> int:
    """Create a district whose gradebook is Passback's own."""
    if given:
        raise UsageError("the built-in gradebook needs neither an address nor credentials")
    if district is not None or not name:
        raise UsageError("only a new district can use the built-in gradebook: give its --name")
    district_id = on_database(data, lambda it: connections.create_with_gradebook(it, name, system_clock))
    if json:
        show_json(_fields((), district_id, None) | {"connected": True})
        return 0
    print(f"district {district_id} uses the built-in gradebook")
    print(f"next: passback roster import FILE{_options(district_id, data)}")
    return 0


def _ask_for_missing(kind: ConnectorKind, given: Mapping[str, str], *, signing_in: bool) -> dict[str, str]:
    """The missing settings, asked for at the terminal. Raises `UsageError` without one."""
    if not signing_in and lms_settings.lacks_alternative(kind, given):
        raise UsageError(
            f"missing: one of {', '.join(kind.one_of)}; give one with --set NAME=@FILE, or give --sign-in"
        )
    missing = lms_settings.missing(kind, given, signing_in=signing_in)
    if missing and not sys.stdin.isatty():
        names = ", ".join(it.name for it in missing)
        raise UsageError(f"missing: {names}; give each with --set NAME=VALUE or --set NAME=@FILE")
    return {
        it.name: (getpass.getpass if it.secret else input)(f"{it.name} ({it.meaning}): ").strip()
        for it in missing
    }
