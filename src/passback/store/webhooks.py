"""Webhooks: where applications receive events. Like a token, each belongs to an application in a district."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct
from msgspec.structs import asdict, replace

from passback.domain.clock import DAY
from passback.store import tokens
from passback.store.engine.vault import VaultError

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection
    from passback.store.engine.vault import Vault


class Webhook(Struct, frozen=True):
    """A webhook, with its secrets still encrypted."""

    id: str
    district_id: str
    application: str
    url: str
    events: tuple[str, ...]
    """The types of events that it subscribes to."""
    secret: str
    secret_before: str | None
    """The secret before the last rotation, which still signs until `secret_before_until`."""
    secret_before_until: Instant | None
    disabled: Instant | None
    """When it was disabled; None if it is enabled."""
    created: Instant
    last_modified: Instant
    fetched: Instant | None = None
    """When its application last asked for its messages, if they are fetched instead of sent; else None."""

    @property
    def is_fetched(self) -> bool:
        """Whether its messages are fetched: it has no address."""
        return not self.url


FETCHED_WITHIN = 4 * DAY
"""How long nobody may have asked for messages that are fetched, until no more are kept: longer than a sandbox's clock
is moved to see a delivery expire."""
_KEPT_FOR = 7 * DAY

_COLUMNS = Webhook.__struct_fields__
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM webhooks"
_INSERT = (
    f"INSERT INTO webhooks ({', '.join(_COLUMNS)}) VALUES ({', '.join(':' + column for column in _COLUMNS)})"
)
_CHANGED = ("url", "events", "secret", "secret_before", "secret_before_until", "disabled", "last_modified")
_UPDATE = f"UPDATE webhooks SET {', '.join(f'{column} = :{column}' for column in _CHANGED)} WHERE id = :id"

_strings = msgspec.json.Decoder(tuple[str, ...])


def insert(connection: Connection, webhook: Webhook) -> None:
    """Add a webhook."""
    connection.execute(_INSERT, _row(webhook))


def update(connection: Connection, webhook: Webhook) -> None:
    """Save the fields of a webhook that may change."""
    row = _row(webhook)
    connection.execute(_UPDATE, {name: row[name] for name in ("id", *_CHANGED)})


def find(connection: Connection, webhook_id: str) -> Webhook | None:
    """Find the webhook of that id, whoever owns it."""
    row = connection.execute(_SELECT + " WHERE id = :id", {"id": webhook_id}).fetchone()
    return None if row is None else _webhook(row)


def find_all(connection: Connection, district_id: str | None = None) -> list[Webhook]:
    """All webhooks, or those of one district, oldest first."""
    where = "" if district_id is None else " WHERE district_id = :district_id"
    rows = connection.execute(f"{_SELECT}{where} ORDER BY id", {"district_id": district_id})
    return [_webhook(row) for row in rows]


def page(
    connection: Connection, district_id: str, application: str, *, after: str = "", limit: int
) -> list[Webhook]:
    """An application's webhooks in a district, oldest first, with ids after `after`."""
    rows = connection.execute(
        _SELECT + " WHERE district_id = :district_id AND application = :application AND id > :after"
        " ORDER BY id LIMIT :limit",
        {"district_id": district_id, "application": application, "after": after, "limit": limit},
    )
    return [_webhook(row) for row in rows]


def count(connection: Connection, district_id: str, application: str) -> int:
    """How many webhooks an application has in a district."""
    row = connection.execute(
        "SELECT COUNT(*) FROM webhooks WHERE district_id = :district_id AND application = :application",
        {"district_id": district_id, "application": application},
    ).fetchone()
    return int(row[0])


def districts_with(connection: Connection, event: str) -> list[str]:
    """The districts with a webhook that subscribes to an event."""
    rows = connection.execute(
        "SELECT DISTINCT district_id FROM webhooks WHERE disabled IS NULL AND events LIKE :named"
        " ORDER BY district_id",
        {"named": f'%"{event}"%'},
    )
    return [row[0] for row in rows]


def events_wanted(connection: Connection, district_id: str, now: Instant) -> set[str]:
    """The events that active webhooks of a district subscribe to."""
    rows = connection.execute(
        f"{_SELECT} WHERE district_id = :district_id AND disabled IS NULL ORDER BY id",
        {"district_id": district_id},
    ).fetchall()
    return {event for it in map(_webhook, rows) if is_active(connection, it, now) for event in it.events}


def subscribed(
    connection: Connection, event: str, district_id: str, now: Instant, application: str | None = None
) -> list[Webhook]:
    """The active webhooks that subscribe to an event: an application's, or all of the district."""
    where = "" if application is None else " AND application = :application"
    rows = connection.execute(
        f"{_SELECT} WHERE district_id = :district_id{where} AND disabled IS NULL ORDER BY id",
        {"district_id": district_id, "application": application},
    )
    wanted = [webhook for webhook in map(_webhook, rows) if event in webhook.events]
    return [webhook for webhook in wanted if is_active(connection, webhook, now)]


def is_active(connection: Connection, webhook: Webhook, now: Instant) -> bool:
    """Whether messages are sent to it: it is enabled, and its application may still act for the district."""
    if webhook.disabled is not None or (webhook.is_fetched and not _is_listening(webhook, now)):
        return False
    return tokens.has_active(connection, webhook.district_id, webhook.application, now)


def _is_listening(webhook: Webhook, now: Instant) -> bool:
    return now - FETCHED_WITHIN < (webhook.fetched or webhook.created)


def set_fetched(connection: Connection, webhook_id: str, now: Instant) -> None:
    """Record that the messages of a webhook are asked for."""
    connection.execute(
        "UPDATE webhooks SET fetched = :now WHERE id = :id AND (fetched IS NULL OR fetched < :now)",
        {"id": webhook_id, "now": now},
    )


def remove_abandoned(connection: Connection, now: Instant) -> None:
    """Delete webhooks whose messages nobody has asked for in a week."""
    connection.execute(
        "DELETE FROM webhooks WHERE url = '' AND COALESCE(fetched, created) < :before",
        {"before": now - _KEPT_FOR},
    )


def disable(connection: Connection, webhook_id: str, now: Instant) -> bool:
    """Disable a webhook. False if it is disabled already, or there is none."""
    changed = connection.execute(
        "UPDATE webhooks SET disabled = :now, last_modified = :now WHERE id = :id AND disabled IS NULL",
        {"id": webhook_id, "now": now},
    )
    return bool(changed.rowcount)


def enable(connection: Connection, webhook_id: str, now: Instant) -> bool:
    """Enable a webhook again. False if it is enabled already, or there is none."""
    changed = connection.execute(
        "UPDATE webhooks SET disabled = NULL, last_modified = :now WHERE id = :id AND disabled IS NOT NULL",
        {"id": webhook_id, "now": now},
    )
    return bool(changed.rowcount)


def remove(connection: Connection, webhook_id: str) -> bool:
    """Delete a webhook and its secrets. False if there was none."""
    return bool(connection.execute("DELETE FROM webhooks WHERE id = :id", {"id": webhook_id}).rowcount)


def seal(vault: Vault, webhook_id: str, secret: str) -> str:
    """Encrypt a secret for its webhook. Raises `VaultError`."""
    return vault.encrypt(secret.encode(), _owner(webhook_id))


def secrets(vault: Vault, webhook: Webhook, now: Instant) -> list[str]:
    """Decrypt the secrets that sign at `now`, the newest first. Raises `VaultError`."""
    sealed = [webhook.secret]
    if webhook.secret_before is not None and now < (webhook.secret_before_until or 0):
        sealed.append(webhook.secret_before)
    return [vault.decrypt(each, _owner(webhook.id)).decode() for each in sealed]


def reseal(vault: Vault, webhook: Webhook) -> Webhook:
    """The webhook with its secrets encrypted with the current key. Raises `VaultError`."""

    def encrypt_again(sealed: str) -> str:
        return vault.encrypt(vault.decrypt(sealed, _owner(webhook.id)), _owner(webhook.id))

    before = webhook.secret_before
    return replace(
        webhook,
        secret=encrypt_again(webhook.secret),
        secret_before=None if before is None else encrypt_again(before),
    )


def rotated(vault: Vault, webhook: Webhook, secret: str, *, now: Instant, until: Instant) -> Webhook:
    """The webhook with a new secret; the previous one signs `until` then. Raises `VaultError`."""
    before: str | None = webhook.secret
    try:
        vault.decrypt(webhook.secret, _owner(webhook.id))
    except VaultError:  # it could sign nothing, and would get in the way of the new one
        before = None
    return replace(
        webhook,
        secret=seal(vault, webhook.id, secret),
        secret_before=before,
        secret_before_until=None if before is None else until,
        last_modified=now,
    )


def _owner(webhook_id: str) -> str:
    return f"webhook {webhook_id}"


def _row(webhook: Webhook) -> dict[str, str | int | None]:
    row = asdict(webhook)
    return {**row, "events": msgspec.json.encode(webhook.events).decode()}


def _webhook(row: Any) -> Webhook:
    values = dict(zip(_COLUMNS, row, strict=True))
    return Webhook(**{**values, "events": _strings.decode(values["events"])})
