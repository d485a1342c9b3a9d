"""Districts' connections to their LMSs: making, checking, showing and removing them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from passback.delivery import webhook_notify
from passback.lms.interface import ConnectorKind
from passback.lms.registry import BUILTIN, Reached, not_stored
from passback.lms.stored_keys import StoredKeys
from passback.lms.tokens import HeldRefreshToken
from passback.lti import check as lti_check
from passback.lti.registrations import KIND as LTI
from passback.operations import audit, districts, lms_settings
from passback.operations.errors import NotFound, OperationError
from passback.rosters import connect as connecting
from passback.store import connections, roster, syncs
from passback.store import districts as stored_districts

if TYPE_CHECKING:
    from passback.context import Gateway
    from passback.domain.clock import Clock
    from passback.lms.interface import Finding
    from passback.store.connections import StoredConnection
    from passback.store.engine.database import Connection, Database
    from passback.store.engine.vault import Vault


class OtherLms(OperationError):
    """The district's roster was read from another LMS, whose people would become others."""

    def __init__(self, district_id: str, address: str) -> None:
        super().__init__(f"the roster of district {district_id} was read from the LMS at {address}")
        self.district_id = district_id
        self.address = address


class NewConnection(Struct, frozen=True):
    """A connection to be made."""

    kind: ConnectorKind
    address: str
    """As `lms_settings.base_address` returns it."""
    given: Mapping[str, str]
    """Credentials and options, by the names of the kind's settings."""
    same_lms: bool = False
    """Whether it is the LMS that the district used before, at another address."""


class Connected(Struct, frozen=True):
    """A district that was connected."""

    district_id: str
    kept_matches: bool
    """False if it used another LMS before, whose matches are forgotten."""


class ConnectionSummary(Struct, frozen=True):
    """A connection without its secrets."""

    address: str
    options: Mapping[str, str]
    secrets: Sequence[str]
    """The names of the credentials."""


class StudentSignIn(Struct, frozen=True):
    """What a student's sign-in begins with."""

    kind: ConnectorKind
    address: str
    credentials: Mapping[str, str]
    lms_id: str

    def __repr__(self) -> str:
        return f"StudentSignIn({self.address!r}, {self.lms_id!r})"  # never the credentials


def _nothing(_conn: Connection, _district_id: str) -> None:
    pass


async def connect(
    database: Database,
    vault: Vault,
    wanted: NewConnection,
    clock: Clock,
    *,
    district_id: str | None = None,
    name: str = "",
    also: Callable[[Connection, str], None] = _nothing,
    actor: str = "",
) -> Connected:
    """Connect a district, or with a `name` a new one, to its LMS, and schedule the reading of it.

    `also` happens in the same transaction, with the district's id; `actor` is who does it, if no command. Raises
    `NotFound`, `OtherLms`, `VaultError`, and what `also` raises.
    """
    now = clock()
    options, credentials = _split(wanted)

    def write(conn: Connection) -> Connected:
        district = (
            districts.create(conn, name, now)
            if district_id is None
            else districts.required(conn, district_id)
        )
        also(conn, district.id)
        kept = connecting.connect(
            conn,
            district,
            wanted.kind.capabilities.kind,
            address=wanted.address,
            options=options,
            credentials=connections.seal(vault, district.id, credentials),
            now=now,
            same_lms=wanted.same_lms,
        )
        detail = f"{wanted.kind.capabilities.kind} at {wanted.address}"
        audit.record(conn, "connection.made", district.id, district.id, detail, actor=actor)
        return Connected(district.id, kept)

    try:
        return await database.write(write)
    except connecting.RosterFromOtherLms as error:
        raise OtherLms(district_id or "", str(error)) from None


async def try_out(
    database: Database,
    vault: Vault,
    wanted: NewConnection,
    clock: Clock,
    *,
    district_id: str | None = None,
) -> tuple[Sequence[Finding], NewConnection]:
    """Check a connection in the LMS before it is made; nothing changes, there or here.

    Returns it as it is to be made from then on: the LMS may have replaced the refresh token. Raises `NotFound` and
    `OtherLms`, as `connect` would.
    """

    def judge(conn: Connection) -> None:
        if district_id is not None:
            kind, district = wanted.kind.capabilities.kind, districts.required(conn, district_id)
            connecting.is_same(conn, district, kind, address=wanted.address, same_lms=wanted.same_lms)

    try:
        await database.read(judge)
    except connecting.RosterFromOtherLms as error:
        raise OtherLms(district_id or "", str(error)) from None
    options, credentials = _split(wanted)
    refresh = HeldRefreshToken(credentials.get("refresh_token", ""))
    connector = not_stored(
        database,
        clock,
        wanted.kind,
        wanted.address,
        credentials,
        options,
        refresh=refresh,
        signing=StoredKeys(database, vault, clock),
    )
    try:
        findings = await connector.check()
    finally:
        await connector.close()
    if wanted.kind.capabilities.kind == LTI:
        findings = [*findings, *await lti_check.of_launches(Reached("", wanted.address, options))]
    if refresh.refresh_token:
        wanted = replace(wanted, given={**wanted.given, "refresh_token": refresh.refresh_token})
    return findings, wanted


def works(findings: Sequence[Finding]) -> bool:
    """Whether the LMS could be reached and let us in, whatever else is missing."""
    return bool(findings) and findings[0].good


async def create_with_gradebook(database: Database, name: str, clock: Clock, *, actor: str = "") -> str:
    """Create a district whose gradebook is Passback's own; returns its id."""

    def write(conn: Connection) -> str:
        new = districts.create(conn, name, clock())
        stored_districts.set_lms(conn, new.id, BUILTIN, "success")
        audit.record(conn, "connection.made", new.id, new.id, BUILTIN, actor=actor)
        return new.id

    return await database.write(write)


async def has_roster(database: Database, district_id: str) -> bool:
    """Whether a district has sections, or reads its roster from the LMS."""
    return await database.snapshot(
        lambda conn: roster.has_sections(conn, district_id) or stored_districts.follows_lms(conn, district_id)
    )


async def check(gateway: Gateway, district_id: str) -> Sequence[Finding]:
    """Check a connection in the LMS, which changes nothing there, and record whether it works.

    Raises `OperationError` if there is none.
    """

    def find_type(conn: Connection) -> str:
        district = roster.find(conn, roster.DISTRICTS, district_id, district_id)
        return district.lms_type if district else ""

    lms_type = await gateway.database.read(find_type)
    connector = await gateway.database.read(lambda conn: gateway.connectors.find(conn, district_id, lms_type))
    if connector is None:
        raise OperationError(f"district {district_id} has no connection that can be used")
    findings = [*await connector.check(), *await _of_launches(gateway, district_id, lms_type)]

    def record(conn: Connection) -> None:
        if not works(findings):
            stored_districts.set_lms_state(conn, district_id, "error")
        else:
            was_broken = stored_districts.mend_lms_state(conn, district_id)
            if stored_districts.set_up(conn, district_id) or was_broken:
                webhook_notify.connection_restored(conn, district_id, gateway.clock())

    await gateway.database.write(record)
    return findings


async def _of_launches(gateway: Gateway, district_id: str, lms_type: str) -> Sequence[Finding]:
    """What else an LMS needs that starts applications."""
    reached = (
        await gateway.database.read(lambda conn: gateway.connectors.of_kind(conn, LTI))
        if lms_type == LTI
        else []
    )
    return [
        finding
        for one in reached
        if one.district_id == district_id
        for finding in (
            *await lti_check.of_launches(one),
            *await lti_check.of_sections(gateway.database, one),
        )
    ]


async def show(database: Database, vault: Vault, district_id: str) -> ConnectionSummary:
    """Return a district's connection without its secrets. Raises `NotFound` and `VaultError`."""
    stored = await database.read(lambda conn: _required(conn, district_id))
    credentials = connections.unseal(vault, stored)
    return ConnectionSummary(stored.address, stored.options, sorted(set(credentials) - set(stored.options)))


async def remove(database: Database, district_id: str, *, actor: str = "") -> None:
    """Delete a district's connection with its credentials; its assignments stay in the LMS. Raises `NotFound`."""

    def write(conn: Connection) -> None:
        stored_districts.set_lms_state(conn, district_id, "disconnected")
        syncs.forget(conn, district_id)
        stored = _required(conn, district_id)
        connections.remove(conn, stored.district_id)
        audit.record(conn, "connection.removed", district_id, district_id, stored.address, actor=actor)

    await database.write(write)


async def student_sign_in(database: Database, vault: Vault, district_id: str, user_id: str) -> StudentSignIn:
    """Return what a student needs to sign in to an LMS that takes work from nobody else.

    Raises `OperationError` if the LMS is not such a one or the student is not matched, and `VaultError`.
    """

    def read(conn: Connection) -> tuple[StoredConnection, str, str | None]:
        stored = _required(conn, district_id)
        district = districts.required(conn, district_id)
        student = roster.find(conn, roster.USERS, district_id, user_id)
        return stored, district.lms_type, student.lms_id if student else None

    stored, lms_type, lms_id = await database.snapshot(read)
    kind = lms_settings.kind(lms_type)
    if not kind.students_sign_in:
        raise OperationError("only Schoology takes work from the student alone: nobody need sign in here")
    if lms_id is None:
        raise OperationError(f"{user_id} is not a student of the district who is matched to one in the LMS")
    return StudentSignIn(kind, stored.address, connections.unseal(vault, stored), lms_id)


async def add_student(
    database: Database, vault: Vault, district_id: str, lms_id: str, credentials: Sequence[str], clock: Clock
) -> None:
    """Keep the credentials that a student's sign-in gave. Raises `NotFound` and `VaultError`."""

    def write(conn: Connection) -> None:
        connections.lock(conn, district_id)
        stored = _required(conn, district_id)
        kept = connections.unseal(vault, stored) | {f"student:{lms_id}": ":".join(credentials)}
        connections.save(
            conn,
            district_id,
            address=stored.address,
            options=stored.options,
            credentials=connections.seal(vault, district_id, kept),
            now=clock(),
        )
        audit.record(
            conn, "connection.student_added", district_id, district_id, f"student {lms_id} in the LMS"
        )

    await database.write(write)


def _split(wanted: NewConnection) -> tuple[dict[str, str], dict[str, str]]:
    """Options and credentials. Options that are set go with the credentials, which may need them beside."""
    given = wanted.given
    options, credentials = {}, {}
    for it in wanted.kind.settings:
        if not it.secret:
            options[it.name] = given.get(it.name, it.default or "")
        elif it.name in given:
            credentials[it.name] = given[it.name]
    return options, credentials | {name: value for name, value in options.items() if value}


def _required(conn: Connection, district_id: str) -> StoredConnection:
    stored = connections.find(conn, district_id)
    if stored is None:
        raise NotFound(f"district {district_id} has no connection")
    return stored
