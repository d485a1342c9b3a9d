"""Who of the roster may be who in the LMS: the pairs with a sign in common, with all that is known of both.

Everything is in temporary tables of one session. `mine` and `them` have each person's and account's values as they are
compared, and `held` by how many each value is held: a sign that several share is none. `meets` has the pairs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from passback.domain import names
from passback.domain.identity import NUMBER_KINDS, NumberKind, Pair, Shared
from passback.domain.matching import id_key, of_lms
from passback.domain.roster import ROLES
from passback.store.number_fits import NumberFit

if TYPE_CHECKING:
    from passback.domain.roster import Role
    from passback.store.engine.database import Session

_ROWS_AT_ONCE = 2_000
_MOST_ALIKE = 4_000_000
"""If more pairs than this share one value, it says nothing of anybody: such as the address noreply@."""
_LONGEST_SIGN = 500
"""The most characters of a value that is compared: PostgreSQL indexes some 2,700 bytes."""
_SORTS = ("email", "name", "name_and_email", "number")
"""In the order in which they are stored."""
_SHARE_A_SECTION = (
    "EXISTS (SELECT 1 FROM enrollments JOIN paired ON paired.id = enrollments.section_id JOIN lms_members"
    " ON lms_members.district_id = :district_id AND lms_members.section_id = paired.lms_id"
    " AND lms_members.role = enrollments.role AND lms_members.id = {theirs}"
    " WHERE enrollments.user_id = {ours} AND enrollments.role = {role})"
)
_BY_HAND = "SELECT 1 FROM users AS hand WHERE hand.district_id = :district_id AND hand.matched_by = 'hand'"
_NOT_BY_HAND = (
    f"NOT EXISTS ({_BY_HAND} AND hand.id = mine.id)"
    f" AND NOT EXISTS ({_BY_HAND} AND hand.removed IS NULL AND hand.role = them.role AND hand.lms_id = them.id)"
)


class Meeting(Struct, frozen=True):
    """A person of the roster and an account of the LMS that have something in common."""

    role: Role
    id: str
    lms_id: str
    together: bool
    """Whether they are in the same matched section, too."""
    pair: Pair
    tells_of_kinds: bool
    """Whether the two are counted among those who show whether the numbers are of one kind."""


def stage(session: Session, district_id: str) -> None:
    """Gather the district's people and the LMS's accounts, as they are compared."""
    numbers = ", ".join(f"{kind} TEXT" for kind in NUMBER_KINDS)
    session.define(
        "CREATE TEMP TABLE mine (role TEXT NOT NULL, id TEXT NOT NULL, name TEXT, full_name TEXT, email TEXT,"
        " domain TEXT, name_and_email TEXT,"
        f" {numbers}, of_lms TEXT, number_key TEXT, PRIMARY KEY (role, id))"
    )
    session.define("CREATE TEMP TABLE my_names (role TEXT NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL)")
    session.define(
        "CREATE TEMP TABLE accounts (role TEXT NOT NULL, id TEXT NOT NULL, name TEXT, email TEXT, sis_id TEXT,"
        " seen BIGINT NOT NULL, PRIMARY KEY (role, id)) WITHOUT ROWID"
    )
    session.define(
        "CREATE TEMP TABLE them (role TEXT NOT NULL, id TEXT NOT NULL, name TEXT, full_name TEXT, email TEXT,"
        " domain TEXT, name_and_email TEXT, number_key TEXT, PRIMARY KEY (role, id))"
    )
    session.define(
        "CREATE TEMP TABLE held (sort TEXT NOT NULL, role TEXT NOT NULL, value TEXT NOT NULL, ours BIGINT NOT NULL,"
        " theirs BIGINT NOT NULL, our_id TEXT, their_id TEXT, PRIMARY KEY (sort, role, value)) WITHOUT ROWID"
    )
    session.define(
        "CREATE TEMP TABLE left_names (role TEXT NOT NULL, name TEXT NOT NULL, ours BIGINT NOT NULL,"
        " theirs BIGINT NOT NULL, PRIMARY KEY (role, name)) WITHOUT ROWID"
    )
    session.define(
        "CREATE TEMP TABLE own_domains (role TEXT NOT NULL, domain TEXT NOT NULL, PRIMARY KEY (role, domain))"
        " WITHOUT ROWID"
    )
    session.define(
        "CREATE TEMP TABLE meets (role TEXT NOT NULL, id TEXT NOT NULL, lms_id TEXT NOT NULL, together BIGINT NOT NULL,"
        " agreed BIGINT NOT NULL, PRIMARY KEY (role, id, lms_id)) WITHOUT ROWID"
    )
    _stage_ours(session, district_id)
    _stage_theirs(session, district_id)
    for table in ("mine", "them"):
        for column in ("email", "name"):
            session.define(f"CREATE INDEX {table}_by_{column} ON {table} (role, {column})")
    session.define("CREATE INDEX my_names_by_name ON my_names (role, name)")
    session.define("CREATE INDEX my_names_by_id ON my_names (role, id)")
    session.define("CREATE INDEX them_by_number ON them (role, number_key)")
    for table in ("mine", "my_names", "accounts", "them"):
        session.analyse(table)


def _stage_ours(session: Session, district_id: str) -> None:
    columns = (
        "role",
        "id",
        "name",
        "full_name",
        "email",
        "domain",
        "name_and_email",
        *NUMBER_KINDS,
        "of_lms",
    )
    after = ""
    while rows := session.execute(
        f"SELECT role, id, first_name, middle_name, last_name, email, {', '.join(NUMBER_KINDS)} FROM users"
        " WHERE district_id = :district_id AND removed IS NULL AND id > :after ORDER BY id LIMIT :limit",
        {"district_id": district_id, "after": after, "limit": _ROWS_AT_ONCE},
    ).fetchall():
        people, named = [], []
        for role, id_, first, middle, last, email, *numbers in rows:
            keys = [it for it in names.keys(first, middle, last) if _sign(it)]
            name = keys[0] if keys else None
            lms_id = of_lms(numbers[0]) or None
            numbers = [_sign(id_key(it)) for it in numbers]
            address = _sign(id_key(email))
            both = _name_and_email(name, address)
            full = _full_name(f"{first} {last}")
            people.append((role, id_, name, full, address, _domain(address), both, *numbers, lms_id))
            named += [(role, id_, it) for it in keys]
        session.load("mine", columns, people)
        session.load("my_names", ("role", "id", "name"), named)
        after = rows[-1][1]


def _stage_theirs(session: Session, district_id: str) -> None:
    # If some of an account's sections could not be read, what is written there is ours, and not the LMS's.
    first, seen = "MIN(CASE WHEN lms_sections.read = 1 THEN NULLIF({}, '') END)", "MAX(lms_sections.read)"
    session.execute(
        "INSERT INTO accounts (role, id, name, email, sis_id, seen) SELECT role, lms_members.id,"
        f" {first.format('lms_members.name')}, {first.format('email')}, {first.format('lms_members.sis_id')}, {seen}"
        " FROM lms_members JOIN lms_sections ON lms_sections.district_id = lms_members.district_id"
        " AND lms_sections.id = lms_members.section_id WHERE lms_members.district_id = :district_id"
        " GROUP BY role, lms_members.id",
        {"district_id": district_id},
    )
    session.analyse("accounts")
    columns = ("role", "id", "name", "full_name", "email", "domain", "name_and_email", "number_key")
    role = id_ = ""
    while rows := session.execute(
        "SELECT role, id, name, email, sis_id FROM accounts WHERE (role, id) > (:role, :id) ORDER BY role, id"
        " LIMIT :limit",
        {"role": role, "id": id_, "limit": _ROWS_AT_ONCE},
    ).fetchall():
        accounts = []
        for role, id_, full, email, number in rows:
            name, address = _sign(names.key(full or "")), _sign(id_key(email))
            both = _name_and_email(name, address)
            number_key = _sign(id_key(number))
            domain = _domain(address)
            accounts.append((role, id_, name, _full_name(full), address, domain, both, number_key))
        session.load("them", columns, accounts)


def _full_name(name: str | None) -> str | None:
    """A name as it is written, the first name first; None if that is not sure."""
    return name if name and "," not in name else None


def _domain(email: str | None) -> str | None:
    return email.rpartition("@")[2] if email and "@" in email else None


def _sign(value: str | None) -> str | None:
    """A value to compare by; None if there is none, or it is too long for any index."""
    return value if value and len(value) <= _LONGEST_SIGN else None


def _name_and_email(name: str | None, email: str | None) -> str | None:
    return _sign(f"{name}\n{email}") if name and email else None


def choose_numbers(session: Session, named: str | None) -> list[NumberFit]:
    """Choose for each role the number that the LMS has as its SIS id, and return how well each fits.

    It is the one that fits most people, each value only one; the `named` one if anybody of the role has it.
    """
    found: list[NumberFit] = []
    for role in ROLES:
        fits_by_kind = {kind: _fits(session, role, kind) for kind in NUMBER_KINDS}
        best = max(NUMBER_KINDS, key=fits_by_kind.__getitem__)  # the first of equals
        for kind in NUMBER_KINDS:
            if kind == named and _anybody_has(session, role, kind):
                best = kind
        people = session.execute("SELECT COUNT(*) FROM mine WHERE role = :role", {"role": role}).fetchone()[0]
        why: Literal["named", "fits"] = "named" if best == named else "fits"
        found += [
            NumberFit(role, kind, int(people), fits, alike, why if kind == best else None)
            for kind, (alike, fits) in fits_by_kind.items()
        ]
    session.execute(f"UPDATE mine SET number_key = {_chosen(found)}")
    session.define("CREATE INDEX mine_by_number ON mine (role, number_key)")
    session.analyse("mine")
    _count_holders(session)
    _find_own_domains(session)
    return found


def _chosen(fits: Iterable[NumberFit], table: str = "") -> str:
    """SQL for a person's number of the kind that is chosen for the role."""
    numbers = "".join(f" WHEN '{it.role}' THEN {table}{it.kind}" for it in fits if it.chosen)
    return f"CASE {table}role{numbers} END"


def _fits(session: Session, role: Role, kind: NumberKind) -> tuple[int, int]:
    """How many people have one account with that number; first of all, how many with the same name."""
    row = session.execute(
        "SELECT COALESCE(SUM(CASE WHEN ours.name = theirs.name THEN 1 ELSE 0 END), 0), COUNT(*) FROM"
        f" (SELECT {kind} AS value, MIN(name) AS name FROM mine WHERE role = :role AND {kind} IS NOT NULL"
        f" GROUP BY {kind} HAVING COUNT(*) = 1) AS ours"
        " JOIN (SELECT number_key AS value, MIN(name) AS name FROM them WHERE role = :role AND number_key IS NOT NULL"
        " GROUP BY number_key HAVING COUNT(*) = 1) AS theirs ON theirs.value = ours.value",
        {"role": role},
    ).fetchone()
    return int(row[0]), int(row[1])


def _anybody_has(session: Session, role: Role, kind: NumberKind) -> bool:
    row = session.execute(
        f"SELECT 1 FROM mine WHERE role = :role AND {kind} IS NOT NULL LIMIT 1", {"role": role}
    ).fetchone()
    return row is not None


def _count_holders(session: Session) -> None:
    for sort in _SORTS:
        column = "number_key" if sort == "number" else sort
        session.execute(
            "INSERT INTO held (sort, role, value, ours, theirs, our_id, their_id) SELECT :sort, role, value, SUM(ours),"
            f" SUM(theirs), MIN(our_id), MIN(their_id) FROM (SELECT role, {column} AS value, 1 AS ours, 0 AS theirs,"
            f" id AS our_id, NULL AS their_id FROM mine WHERE {column} IS NOT NULL UNION ALL"
            f" SELECT role, {column}, 0, 1, NULL, id FROM them WHERE {column} IS NOT NULL) AS each"
            " GROUP BY role, value ORDER BY role, value",
            {"sort": sort},
        )
    session.analyse("held")


_OWN = 20
"""The people from which a domain may give everybody an address of their own."""


def _find_own_domains(session: Session) -> None:
    """Find the domains whose addresses are each one person's: hardly any is shared, or somebody else's in the LMS."""
    holders, same, other = (
        f"SUM(CASE WHEN {it} THEN 1 ELSE 0 END)"
        for it in ("ours > 1 OR theirs > 1", "mine.name = them.name", "mine.name <> them.name")
    )
    session.execute(
        "INSERT INTO own_domains (role, domain) SELECT held.role, COALESCE(mine.domain, them.domain) AS domain"
        " FROM held LEFT JOIN mine ON mine.role = held.role AND mine.id = held.our_id"
        " LEFT JOIN them ON them.role = held.role AND them.id = held.their_id"
        " WHERE sort = 'email' AND COALESCE(mine.domain, them.domain) IS NOT NULL"
        f" GROUP BY held.role, COALESCE(mine.domain, them.domain) HAVING {same} >= {_OWN}"
        f" AND {holders} * 100 <= {same} AND {other} * 10 <= {same}"
    )


class Counts(Struct, frozen=True):
    """What the people of a role show of their numbers."""

    agree: int = 0
    """How many people known by other signs have the LMS's SIS id as their number."""
    differ: int = 0
    in_both: int = 0
    """How many numbers somebody in the roster and somebody in the LMS has, perhaps not the same person."""


def counts(session: Session) -> dict[Role, Counts]:
    """Count what shows whether the numbers are of one kind."""
    in_both = dict(
        session.execute(
            "SELECT role, COUNT(*) FROM held WHERE sort = 'number' AND ours > 0 AND theirs > 0 GROUP BY role"
        ).fetchall()
    )
    found = {role: Counts(in_both=int(in_both.get(role, 0))) for role in ROLES}
    for role, agree, differ in session.execute(
        "SELECT mine.role, SUM(CASE WHEN mine.number_key = them.number_key THEN 1 ELSE 0 END),"
        " SUM(CASE WHEN mine.number_key <> them.number_key THEN 1 ELSE 0 END)"
        " FROM held JOIN mine ON mine.role = held.role AND mine.id = held.our_id"
        " JOIN them ON them.role = held.role AND them.id = held.their_id"
        " WHERE sort = 'name' AND ours = 1 AND theirs = 1 AND mine.number_key IS NOT NULL"
        f" AND them.number_key IS NOT NULL AND {_EMAILS_FIT} GROUP BY mine.role"
    ):
        found[role] = Counts(int(agree), int(differ), int(in_both.get(role, 0)))
    return found


_EMAILS_FIT = (
    "(mine.email IS NULL OR them.email IS NULL OR mine.email = them.email"
    " OR mine.email NOT LIKE '%@%' OR them.email NOT LIKE '%@%')"
)


_AGREED = (
    "CASE WHEN held.ours = 1 AND held.theirs = 1 AND mine.email = them.email AND mine.full_name = them.full_name"
    " AND COALESCE(mine.of_lms, '') <> them.id THEN 1 ELSE 0 END"
)
"""SQL: two with a number in common need not be judged, since nothing speaks against the pair.

Nobody else has the number, and the address and the name, as it is written, are the same, too. Accounts that could not
be read have neither.
"""


def meet(session: Session, district_id: str) -> None:
    """Add the pairs that have a number, an address or the LMS's own id in common, or are matched so far."""
    given = {"district_id": district_id}
    for sort, column in (("number", "number_key"), ("email", "email")):
        _meet(
            session,
            f"held JOIN mine ON mine.role = held.role AND mine.{column} = held.value"
            f" JOIN them ON them.role = held.role AND them.{column} = held.value",
            f"held.sort = '{sort}' AND held.ours > 0 AND held.theirs > 0 AND held.ours * held.theirs <= {_MOST_ALIKE}",
            given,
            agreed=_AGREED if sort == "number" else "0",
        )
    _meet(session, "mine JOIN them ON them.role = mine.role AND them.id = mine.of_lms", "true", given)
    _meet(
        session,
        "users JOIN mine ON mine.role = users.role AND mine.id = users.id"
        " JOIN them ON them.role = users.role AND them.id = users.lms_id",
        "users.district_id = :district_id",
        given,
    )
    session.analyse("meets")


def meet_by_name(session: Session, district_id: str) -> None:
    """Add the pairs of those not yet found that have the same name, and share a section; drop the others."""
    given = {"district_id": district_id}
    session.execute(
        "DELETE FROM meets WHERE EXISTS (SELECT 1 FROM taken WHERE taken.kind = meets.role AND taken.id = meets.id)"
        " OR EXISTS (SELECT 1 FROM taken WHERE taken.kind = meets.role AND taken.lms_id = meets.lms_id)"
        f" OR NOT {_SHARE_A_SECTION.format(ours='meets.id', theirs='meets.lms_id', role='meets.role')}",
        given,
    )
    _count_those_left(session, given)
    _meet(
        session,
        "left_names JOIN held ON held.role = left_names.role AND held.sort = 'name' AND held.value = left_names.name"
        " JOIN my_names ON my_names.role = held.role AND my_names.name = held.value"
        " JOIN mine ON mine.role = held.role AND mine.id = my_names.id"
        " JOIN them ON them.role = held.role AND them.name = held.value",
        f"left_names.ours > 0 AND left_names.theirs > 0 AND held.ours * held.theirs <= {_MOST_ALIKE}"
        " AND NOT EXISTS (SELECT 1 FROM taken WHERE taken.kind = mine.role AND taken.id = mine.id)"
        " AND NOT EXISTS (SELECT 1 FROM taken WHERE taken.kind = them.role AND taken.lms_id = them.id)"
        f" AND {_SHARE_A_SECTION.format(ours='mine.id', theirs='them.id', role='mine.role')}",
        given,
        together="1",
    )
    session.analyse("meets")


def _count_those_left(session: Session, given: Mapping[str, Any]) -> None:
    """Count who has each name, of those who are neither surely matched nor matched by hand."""
    hand = f"{_BY_HAND} AND hand.role = {{}}.role"
    session.execute(
        "INSERT INTO left_names (role, name, ours, theirs) SELECT role, name, SUM(ours), SUM(theirs) FROM"
        " (SELECT role, name, 1 AS ours, 0 AS theirs FROM my_names AS mine"
        " WHERE NOT EXISTS (SELECT 1 FROM taken WHERE taken.kind = mine.role AND taken.id = mine.id)"
        f" AND NOT EXISTS ({hand.format('mine')} AND hand.id = mine.id)"
        " UNION ALL SELECT role, name, 0, 1 FROM them WHERE name IS NOT NULL"
        " AND NOT EXISTS (SELECT 1 FROM taken WHERE taken.kind = them.role AND taken.lms_id = them.id)"
        f" AND NOT EXISTS ({hand.format('them')} AND hand.lms_id = them.id AND hand.removed IS NULL)) AS each"
        " GROUP BY role, name",
        given,
    )
    session.analyse("left_names")


def _meet(
    session: Session,
    joined: str,
    where: str,
    given: Mapping[str, Any],
    *,
    together: str | None = None,
    agreed: str = "0",
) -> None:
    shared = _SHARE_A_SECTION.format(ours="mine.id", theirs="them.id", role="mine.role")
    together = together or f"CASE WHEN {shared} THEN 1 ELSE 0 END"
    not_by_hand = f" AND {_NOT_BY_HAND}" if session.execute(f"{_BY_HAND} LIMIT 1", given).fetchone() else ""
    session.execute(
        "INSERT INTO meets (role, id, lms_id, together, agreed)"
        f" SELECT mine.role, mine.id, them.id, {together}, {agreed} FROM {joined} WHERE {where}{not_by_hand}"
        " AND NOT EXISTS (SELECT 1 FROM meets AS met WHERE met.role = mine.role AND met.id = mine.id"
        " AND met.lms_id = them.id) ON CONFLICT DO NOTHING",
        given,
    )


_HOLDERS = {
    "with_email": ("email", "mine.email"),
    "with_number": ("number", "mine.number_key"),
    "with_name": ("name", "mine.name"),
    "with_name_and_email": ("name_and_email", "mine.name_and_email"),
    "with_their_number": ("number", "them.number_key"),
    "with_their_name": ("name", "them.name"),
    "with_their_name_and_email": ("name_and_email", "them.name_and_email"),
}


def meetings(session: Session, fits: Sequence[NumberFit]) -> Iterator[list[Meeting]]:
    """Read the pairs that have to be judged, some at a time. `fits` are those of `choose_numbers`."""
    counts = ", ".join(f"COALESCE({it}.ours, 0), COALESCE({it}.theirs, 0)" for it in _HOLDERS)
    joins = " ".join(
        f"LEFT JOIN held AS {it} ON {it}.role = meets.role AND {it}.sort = '{sort}' AND {it}.value = {value}"
        for it, (sort, value) in _HOLDERS.items()
    )
    last = ("", "", "")
    while rows := session.execute(
        "SELECT meets.role, meets.id, meets.lms_id, together, first_name, middle_name, last_name, users.email,"
        f" {_chosen(fits, 'users.')}, accounts.name, accounts.email, accounts.sis_id,"
        " COALESCE(mine.of_lms, '') = meets.lms_id,"
        " CASE WHEN users.lms_id = meets.lms_id THEN COALESCE(users.matched_by, 'lms_id') END, seen = 0,"
        f" with_name.ours = 1 AND with_name.theirs = 1 AND mine.name = them.name AND {_EMAILS_FIT}"
        " AND mine.number_key IS NOT NULL AND them.number_key IS NOT NULL, EXISTS (SELECT 1 FROM own_domains WHERE"
        " own_domains.role = mine.role AND own_domains.domain = mine.domain),"
        " COALESCE((SELECT ours FROM left_names WHERE left_names.role = them.role AND left_names.name = them.name), 0),"
        " (SELECT COALESCE(SUM(theirs), 0) FROM my_names JOIN left_names ON left_names.role = my_names.role"
        " AND left_names.name = my_names.name WHERE my_names.role = mine.role AND my_names.id = mine.id),"
        f" {counts} FROM meets JOIN users ON users.id = meets.id"
        " JOIN mine ON mine.role = meets.role AND mine.id = meets.id"
        " JOIN them ON them.role = meets.role AND them.id = meets.lms_id"
        f" JOIN accounts ON accounts.role = meets.role AND accounts.id = meets.lms_id {joins}"
        " WHERE meets.agreed = 0 AND (meets.role, meets.id, meets.lms_id) > (:role, :id, :lms_id)"
        " ORDER BY meets.role, meets.id, meets.lms_id LIMIT :limit",
        {"role": last[0], "id": last[1], "lms_id": last[2], "limit": _ROWS_AT_ONCE},
    ).fetchall():
        yield [_meeting(row) for row in rows]
        last = rows[-1][:3]


def _meeting(row: Any) -> Meeting:
    role, id_, lms_id, together, first, middle, last, email, number, *rest = row
    name, their_email, their_number, same_lms_id, was_by, unread, tells, own_address, *left = rest
    counts = left[2:]
    shared = {it: Shared(counts[2 * place], counts[2 * place + 1]) for place, it in enumerate(_HOLDERS)}
    pair = Pair(
        first=first, middle=middle, last=last, email=email, number=number, their_name=name or "",
        their_email=their_email, their_number=their_number, same_lms_id=bool(same_lms_id), was_by=was_by,
        own_address=bool(own_address), unread=bool(unread),
        left_with_name=Shared(int(left[0]), int(left[1])), **shared,
    )  # fmt: skip
    return Meeting(role, id_, lms_id, bool(together), pair, bool(tells))
