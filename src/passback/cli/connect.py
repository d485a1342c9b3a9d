"""``passback connect`` and ``passback connection``: a district's connection to its LMS."""

from __future__ import annotations

import asyncio
import getpass
import re
import secrets
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlsplit

from cyclopts import App, Parameter

from passback.cli import Data, Port, UsageError, one_line
from passback.cli.data import existing, gateway_on
from passback.domain.clock import system_clock
from passback.domain.roster import District
from passback.lms import registry
from passback.lms.interface import LmsError
from passback.rosters import connect as connecting
from passback.settings import load
from passback.store import connections, districts, roster, syncs
from passback.store.engine.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from passback.lms.interface import ConnectorKind, Finding
    from passback.store.engine.database import Connection, Database, Opened

app = App(name="connection", help="See, check and remove districts' connections to their LMSs.")

_SIGN_IN_SECONDS = 600.0
_LONGEST_VALUE = 1_000_000
CALLBACK_PORT = 8765
"""Where the browser comes back to, unless another port is given."""

Values = Annotated[tuple[str, ...], Parameter(name="--set", negative="")]


def connect(
    kind: str,
    *,
    district: str | None = None,
    name: str | None = None,
    address: str | None = None,
    settings: Values = (),
    sign_in: bool = False,
    callback_port: Port = CALLBACK_PORT,
    same_lms: bool = False,
    data: Data = None,
) -> int:
    """Connect a district to its LMS, and check that it works.

    Credentials are encrypted, and never shown again. One that is not given is asked for. A value that begins with
    "@" is the name of a file that holds it.

    Args:
        kind: canvas, schoology, google, what another connector brings, or builtin, which is Passback's own gradebook.
        district: The district's id. Without it a new district is made.
        name: The name of the new district.
        address: The LMS's address, such as https://district.instructure.com.
        settings: A credential or option, as NAME=VALUE; may come several times.
        sign_in: Let someone sign in with the browser instead of giving all credentials.
        callback_port: The port on this machine to which the browser comes back.
        same_lms: It is the LMS that the district used before, which has another address now: what is matched stays.
        data: The folder of the data file [data].
    """
    if kind == registry.BUILTIN:
        return _use_own_gradebook(district, name, data, given=bool(address or settings or sign_in))
    found = _kind(kind)
    given = dict(_setting(found, text) for text in settings)
    base = _address(found, address)
    with existing(data) as database:
        _check_district(database, district, name)
        given |= _asked(found, given, signing_in=sign_in)
        if sign_in:
            given |= _signed_in(found, base, given, callback_port)
        # Not before all is there, so that nothing is left of a command that was given up.
        district_id = district.lower() if district else _new_district(database, name or "")
        options = {it.name: given.get(it.name, it.default or "") for it in found.settings if not it.secret}
        credentials = {it.name: given[it.name] for it in found.settings if it.secret and it.name in given}
        # What credentials need beside them, such as the number of a developer key, is no secret but goes with them.
        credentials |= {name: value for name, value in options.items() if value}
        sealed = connections.seal(Vault(load(data=data).secret_keys), district_id, credentials)

        def save(conn: Connection) -> bool:
            known = roster.find(conn, roster.DISTRICTS, district_id, district_id)
            assert known is not None
            return connecting.connect(
                conn, known, found.capabilities.kind, address=base, options=options, credentials=sealed,
                now=system_clock(), same_lms=same_lms,
            )  # fmt: skip

        try:
            same = database.write_now(save)
        except connecting.RosterFromOtherLms as error:
            raise UsageError(
                f"the roster of district {district_id} is what the LMS at {error} has: make a new district with --name,"
                " import a roster first, or say --same-lms if it only has another address now"
            ) from None
        print(f"district {district_id} is connected to {found.capabilities.name} at {base}")
        if not same:
            print("It was connected to another LMS: what was matched to that is forgotten.")
        good = _report(_check(database, data, district_id))
        has_roster = database.read_now(
            lambda conn: roster.has_sections(conn, district_id) or districts.follows_lms(conn, district_id)
        )
    if good:
        where = f" --district {district_id}" + (f" --data {data}" if data else "")
        if has_roster:
            print(f"next: passback sync run{where} (a running server does it by itself)")
        else:
            print(f"next: passback roster import FILE{where}")
            print(f"or, where the LMS is all there is: passback roster import --from-lms{where}")
    return 0 if good else 1


@app.command(name="list")
def list_connections(*, data: Data = None) -> None:
    """List the districts with their LMSs.

    Args:
        data: The folder of the data file [data].
    """

    def read(conn: Connection) -> list[tuple[District, str]]:
        found = []
        for district_id in districts.all_ids(conn):
            district = roster.find(conn, roster.DISTRICTS, district_id, district_id)
            stored = connections.find(conn, district_id)
            assert district is not None
            found.append((district, "" if stored is None else stored.address))
        return found

    with existing(data) as database:
        rows = database.read_now(read)
    print(f"{'district':<24}  {'LMS':<10}  {'state':<24}  {'name':<24}  address")
    for district, address in rows:
        print(
            f"{district.id:<24}  {district.lms_type:<10}  {district.lms_state or '-':<24}"
            f"  {one_line(district.name):<24}  {one_line(address)}"
        )


@app.command
def show(*, district: str, data: Data = None) -> None:
    """Show a district's connection, without its secrets.

    Args:
        district: The district's id.
        data: The folder of the data file [data].
    """
    district = district.lower()
    with existing(data) as database:
        stored = database.read_now(lambda conn: connections.find(conn, district))
        if stored is None:
            raise UsageError(f"district {district} has no connection: passback connect makes one")
        credentials = connections.unseal(Vault(load(data=data).secret_keys), stored)
    print(f"address  {stored.address}")
    for name, value in stored.options.items():
        print(f"{name}  {one_line(value) or '-'}")
    for name in sorted(set(credentials) - set(stored.options)):
        print(f"{name}  (kept encrypted)")


@app.command
def check(*, district: str, data: Data = None) -> int:
    """Say what of a district's connection works and what is missing. Nothing is changed in the LMS.

    Args:
        district: The district's id.
        data: The folder of the data file [data].
    """
    district = district.lower()
    with existing(data) as database:
        return 0 if _report(_check(database, data, district)) else 1


@app.command
def remove(*, district: str, data: Data = None) -> None:
    """Forget a district's connection with its credentials. Its assignments stay in the LMS.

    Args:
        district: The district's id.
        data: The folder of the data file [data].
    """
    district = district.lower()

    def forget(conn: Connection) -> bool:
        districts.set_lms_state(conn, district, "disconnected")
        syncs.forget(conn, district)
        return connections.remove(conn, district)

    with existing(data) as database:
        if not database.write_now(forget):
            raise UsageError(f"district {district} has no connection")
    print(f"district {district} is disconnected")


@app.command(name="sign-in-student")
def sign_in_student(
    *, district: str, user: str, callback_port: Port = CALLBACK_PORT, data: Data = None
) -> None:
    """Let a student sign in with the browser, for an LMS that takes work only from the student (Schoology).

    Args:
        district: The district's id.
        user: The student's id here.
        callback_port: The port on this machine to which the browser comes back.
        data: The folder of the data file [data].
    """
    district, user = district.lower(), user.lower()
    with existing(data) as database:
        vault = Vault(load(data=data).secret_keys)

        def read(conn: Connection) -> tuple[str, connections.StoredConnection | None, str | None]:
            found = roster.find(conn, roster.DISTRICTS, district, district)
            student = roster.find(conn, roster.USERS, district, user)
            return (
                found.lms_type if found else "",
                connections.find(conn, district),
                student.lms_id if student else None,
            )

        lms_type, stored, lms_id = database.read_now(read)
        if stored is None:
            raise UsageError(f"district {district} has no connection")
        if not _kind(lms_type).students_sign_in:
            raise UsageError("only Schoology takes work from the student alone: nobody need sign in here")
        if lms_id is None:
            raise UsageError(f"{user} is no student of the district who is matched to one in the LMS")
        credentials = connections.unseal(vault, stored)
        fresh = _signed_in(_kind(lms_type), stored.address, credentials, callback_port)
        credentials[f"student:{lms_id}"] = ":".join(fresh.values())
        database.write_now(
            lambda conn: connections.save(
                conn,
                district,
                address=stored.address,
                options=stored.options,
                credentials=connections.seal(vault, district, credentials),
                now=system_clock(),
            )
        )
    print(f"{user} can hand in work now")


def _kind(name: str) -> ConnectorKind:
    try:
        return registry.kind(name)
    except registry.UnknownKind as error:
        raise UsageError(str(error)) from None


def _setting(kind: ConnectorKind, text: str) -> tuple[str, str]:
    name, separator, value = text.partition("=")
    if not separator and name in {it.name for it in kind.settings}:
        raise UsageError(f"--set {name} has no value: write {name}=VALUE or {name}=@FILE")
    if not separator or name not in {it.name for it in kind.settings}:
        known = "\n".join(f"  {it.name:<22} {it.meaning}" for it in kind.settings)
        raise UsageError(
            f"{one_line(name)!r} is no setting of {kind.capabilities.name}'s; there are\n{known}"
        )
    if value.startswith("@"):
        try:
            with Path(value[1:]).open(encoding="utf-8") as file:
                value = file.read(_LONGEST_VALUE).strip()
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"cannot read {name} from {value[1:]}: {error}") from None
    wanted = next(it for it in kind.settings if it.name == name)
    if wanted.pattern and not re.fullmatch(wanted.pattern, value):
        raise UsageError(f"{one_line(value)!r} is no value of {name}: {wanted.meaning}")
    return name, value


def _address(kind: ConnectorKind, address: str | None) -> str:
    """The base of the LMS's addresses: what people type may have a path, and no scheme."""
    text = address or kind.address.default
    if text is None:
        raise UsageError(f"--address is missing: {kind.address.meaning}")
    try:
        parts = urlsplit(text if "://" in text else f"https://{text}")
        bad = parts.username is not None or parts.password is not None or parts.port == 0
    except ValueError:
        bad = True
    if bad:
        raise UsageError("the address must be a host, with a port if need be: no user, no password")
    local = parts.hostname in ("127.0.0.1", "localhost", "::1")
    if not parts.netloc or parts.scheme not in (("http", "https") if local else ("https",)):
        raise UsageError(f"{one_line(text)!r} is no address of an LMS: it must begin with https://")
    # An LMS whose interface is below a path says so in its default address.
    path = urlsplit(kind.address.default or "").path or "/"
    return f"{parts.scheme}://{parts.netloc.lower()}{path}"


def _check_district(database: Database, district: str | None, name: str | None) -> None:
    """Whether the district that is named is there, or a new one is. Raises `UsageError`."""
    if district is not None and name:
        raise UsageError("--district names one that is there, --name a new one: give one of them")
    if district is None and not name:
        raise UsageError("--district or --name is missing: the district's id, or the name of a new one")
    if district is None:
        return
    id_ = district.lower()
    if database.read_now(lambda conn: roster.find(conn, roster.DISTRICTS, id_, id_)) is None:
        raise UsageError(f"there is no district {id_}; without --district a new one is made")


def _use_own_gradebook(district: str | None, name: str | None, data: str | None, *, given: bool) -> int:
    """Make a district whose gradebook is Passback's own."""
    if given:
        raise UsageError("the built-in gradebook needs neither an address nor credentials")
    if district is not None or not name:
        raise UsageError("only a new district can use the built-in gradebook: give its --name")
    with existing(data) as database:
        district_id = _new_district(database, name)
        database.write_now(lambda conn: districts.set_lms(conn, district_id, registry.BUILTIN, "success"))
    print(f"district {district_id} uses the built-in gradebook")
    print(f"next: passback roster import FILE --district {district_id}" + (f" --data {data}" if data else ""))
    return 0


def _new_district(database: Database, name: str) -> str:
    """Make a district; its id."""
    now = system_clock()
    new = District(
        id=secrets.token_hex(12),
        name=name,
        lms_type="",
        lms_state="",
        last_lms_sync=None,
        created=now,
        last_modified=now,
        lms_matched_percentage={"sections": 0.0, "students": 0.0, "teachers": 0.0},
    )
    database.write_now(lambda conn: roster.insert(conn, roster.DISTRICTS, [new]))
    return new.id


def _asked(kind: ConnectorKind, given: Mapping[str, str], *, signing_in: bool) -> dict[str, str]:
    """What is missing, asked for at the terminal."""
    if kind.one_of and not signing_in and not any(given.get(name) for name in kind.one_of):
        raise UsageError(
            f"missing: one of {', '.join(kind.one_of)}; give one with --set NAME=@FILE, or --sign-in"
        )
    missing = [it for it in kind.settings if it.name not in given and it.default is None and not it.optional]
    if signing_in:
        missing = [
            it
            for it in missing
            if it.name in ("client_id", "client_secret", "consumer_key", "consumer_secret")
        ]
    if missing and not sys.stdin.isatty():
        names = ", ".join(it.name for it in missing)
        raise UsageError(f"missing: {names}; give each with --set NAME=VALUE or --set NAME=@FILE")
    return {
        it.name: (getpass.getpass if it.secret else input)(f"{it.name} ({it.meaning}): ").strip()
        for it in missing
    }


def _signed_in(kind: ConnectorKind, base: str, given: Mapping[str, str], port: int) -> dict[str, str]:
    """The credentials that someone's sign-in gives."""
    from passback.lms.http.callback import Callback

    sign_in = kind.sign_in
    if sign_in is None:
        raise UsageError(f"nobody can sign in to {kind.capabilities.name} for Passback: give its credentials")
    try:
        callback = Callback(port)
    except OSError as error:
        raise UsageError(
            f"cannot listen on port {port}: {error.strerror}; give another --callback-port"
        ) from None
    try:
        page, begun = asyncio.run(sign_in.begin(base, given, callback.url))
        print(
            f"Open this page in a browser on this machine and sign in (waiting at {callback.url}):\n\n{page}\n",
            flush=True,
        )
        query = callback.wait(_SIGN_IN_SECONDS)
        return dict(asyncio.run(sign_in.finish(base, given, callback.url, begun, query)))
    except LmsError as error:
        raise UsageError(f"the sign-in failed: {error}") from None
    finally:
        callback.close()


def _check(database: Opened, data: str | None, district_id: str) -> Sequence[Finding]:
    async def run() -> Sequence[Finding]:
        async with gateway_on(database, data) as gateway:

            def look_up(conn: Connection) -> str:
                district = roster.find(conn, roster.DISTRICTS, district_id, district_id)
                return district.lms_type if district else ""

            lms_type = await database.read(look_up)
            connector = await database.read(lambda conn: gateway.connectors.find(conn, district_id, lms_type))
            if connector is None:
                raise UsageError(f"district {district_id} has no connection that can be used")
            return await connector.check()

    findings = asyncio.run(run())
    if not findings or not findings[0].good:
        database.write_now(lambda conn: districts.set_lms_state(conn, district_id, "error"))
    else:
        database.write_now(lambda conn: districts.mend_lms_state(conn, district_id))
    return findings


def _report(findings: Sequence[Finding]) -> bool:
    for finding in findings:
        print(f"{'ok ' if finding.good else 'NOT'}  {one_line(finding.what)}")
        if finding.remedy:
            print(f"     -> {one_line(finding.remedy)}")
    return all(finding.good for finding in findings)
