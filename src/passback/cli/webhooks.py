"""``passback webhook``: where applications are told of events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cyclopts import App

from passback.cli import Data, UsageError, one_line
from passback.cli.data import existing
from passback.domain.clock import SECOND, system_clock
from passback.store import webhooks

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.store.engine.database import Connection
    from passback.store.webhooks import Webhook

app = App(name="webhook", help="See, disable and delete applications' webhooks.")


@app.command(name="list")
def list_webhooks(*, district: str | None = None, data: Data = None) -> None:
    """List webhooks, without their secrets and without the queries of their addresses.

    Args:
        district: Only this district's.
        data: The folder of the data file [data].
    """
    with existing(data) as database:
        found = database.read_now(lambda conn: webhooks.find_all(conn, district and district.lower()))
    print(f"{'webhook id':<36}  {'district':<24}  {'state':<8}  {'application':<24}  address")
    for webhook in found:
        print(
            f"{webhook.id:<36}  {webhook.district_id:<24}  {_state(webhook):<8}"
            f"  {one_line(webhook.application):<24}  {_address(webhook)}"
        )


@app.command
def show(webhook_id: str, *, data: Data = None) -> None:
    """Show a webhook, without its secrets.

    Args:
        webhook_id: The webhook's id, as listed.
        data: The folder of the data file [data].
    """
    with existing(data) as database:
        webhook = database.read_now(lambda conn: _find(conn, webhook_id))
    print(f"district      {webhook.district_id}")
    print(f"application   {one_line(webhook.application)}")
    print(f"address       {_address(webhook)}")
    print(f"events        {', '.join(webhook.events)}")
    print(f"state         {_state(webhook)}" + _since(webhook.disabled))
    print(f"created       {_time(webhook.created)}")
    print(f"last changed  {_time(webhook.last_modified)}")


@app.command
def disable(webhook_id: str, *, data: Data = None) -> None:
    """Send nothing more to a webhook.

    Args:
        webhook_id: The webhook's id, as listed.
        data: The folder of the data file [data].
    """
    with existing(data) as database:
        webhook = database.read_now(lambda conn: _find(conn, webhook_id))
        done = database.write_now(lambda conn: webhooks.disable(conn, webhook.id, system_clock()))
    print(f"Webhook {webhook.id} is {'' if done else 'already '}disabled.")


@app.command
def enable(webhook_id: str, *, data: Data = None) -> None:
    """Send to a webhook again, from the next event on.

    Args:
        webhook_id: The webhook's id, as listed.
        data: The folder of the data file [data].
    """
    with existing(data) as database:
        webhook = database.read_now(lambda conn: _find(conn, webhook_id))
        done = database.write_now(lambda conn: webhooks.enable(conn, webhook.id, system_clock()))
    print(f"Webhook {webhook.id} is {'' if done else 'already '}enabled.")


@app.command
def delete(webhook_id: str, *, data: Data = None) -> None:
    """Forget a webhook with its secrets.

    Args:
        webhook_id: The webhook's id, as listed.
        data: The folder of the data file [data].
    """
    with existing(data) as database:
        webhook = database.read_now(lambda conn: _find(conn, webhook_id))
        database.write_now(lambda conn: webhooks.remove(conn, webhook.id))
    print(f"Webhook {webhook.id} is deleted.")


def _find(conn: Connection, webhook_id: str) -> Webhook:
    webhook = webhooks.find(conn, webhook_id.lower())
    if webhook is None:
        raise UsageError(f"there is no webhook {webhook_id}")
    return webhook


def _state(webhook: Webhook) -> str:
    return "enabled" if webhook.disabled is None else "disabled"


def _since(disabled: Instant | None) -> str:
    return "" if disabled is None else f" since {_time(disabled)}"


def _address(webhook: Webhook) -> str:
    """Without its query, which may hold a secret of the application's."""
    return one_line(urlsplit(webhook.url)._replace(query="").geturl()) + (
        "?..." if "?" in webhook.url else ""
    )


def _time(instant: Instant) -> str:
    return datetime.fromtimestamp(instant / SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
