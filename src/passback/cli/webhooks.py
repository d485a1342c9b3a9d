"""``passback webhook``: the addresses at which applications receive events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from passback.cli import Data, group
from passback.cli.data import on_database, with_district_names
from passback.cli.output import Column, show_fields, show_rows
from passback.cli.text import iso, one_line
from passback.domain.clock import system_clock
from passback.operations import webhooks

if TYPE_CHECKING:
    from collections.abc import Mapping

    from passback.operations.webhooks import Webhook

app = group("webhook")

_COLUMNS = (
    Column("webhook id", "id"),
    Column("district id", "district_id"),
    Column("state", "state"),
    Column("district", "district_name"),
    Column("application", "application"),
    Column("address", "address"),
)


@app.command(name="list")
def list_webhooks(*, district: str | None = None, json: bool = False, data: Data = None) -> None:
    """List webhooks, without their secrets and without the query strings of their addresses.

    Args:
        district: Only this district's.
        json: Print JSON.
        data: The folder of the data file [data].
    """
    found, names = with_district_names(data, lambda it: webhooks.list_all(it, district and district.lower()))
    show_rows((_fields(it, names) for it in found), _COLUMNS, json=json)


@app.command
def show(webhook_id: str, *, json: bool = False, data: Data = None) -> None:
    """Show a webhook, without its secrets.

    Args:
        webhook_id: The webhook's id, as listed.
        json: Print JSON.
        data: The folder of the data file [data].
    """
    webhook, names = with_district_names(data, lambda it: webhooks.find(it, webhook_id.lower()))
    show_fields(_fields(webhook, names), json=json)


@app.command
def disable(webhook_id: str, *, data: Data = None) -> None:
    """Send nothing more to a webhook.

    Args:
        webhook_id: The webhook's id, as listed.
        data: The folder of the data file [data].
    """
    webhook_id = webhook_id.lower()
    done = on_database(data, lambda it: webhooks.disable(it, webhook_id, system_clock))
    print(f"Webhook {webhook_id} is {'' if done else 'already '}disabled.")


@app.command
def enable(webhook_id: str, *, data: Data = None) -> None:
    """Send to a webhook again, from the next event on.

    Args:
        webhook_id: The webhook's id, as listed.
        data: The folder of the data file [data].
    """
    webhook_id = webhook_id.lower()
    done = on_database(data, lambda it: webhooks.enable(it, webhook_id, system_clock))
    print(f"Webhook {webhook_id} is {'' if done else 'already '}enabled.")


@app.command
def delete(webhook_id: str, *, data: Data = None) -> None:
    """Delete a webhook and its secrets.

    Args:
        webhook_id: The webhook's id, as listed.
        data: The folder of the data file [data].
    """
    webhook_id = webhook_id.lower()
    on_database(data, lambda it: webhooks.delete(it, webhook_id))
    print(f"Webhook {webhook_id} is deleted.")


def _fields(webhook: Webhook, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "id": webhook.id,
        "district_id": webhook.district_id,
        "district_name": names.get(webhook.district_id),
        "application": webhook.application,
        "address": _address(webhook),
        "events": list(webhook.events),
        "state": "enabled" if webhook.disabled is None else "disabled",
        "disabled": iso(webhook.disabled),
        "created": iso(webhook.created),
        "last_modified": iso(webhook.last_modified),
    }


def _address(webhook: Webhook) -> str:
    """Without its query string, which may hold a secret of the application's."""
    return one_line(urlsplit(webhook.url)._replace(query="").geturl()) + (
        "?..." if "?" in webhook.url else ""
    )
