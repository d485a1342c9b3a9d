"""``passback webhook``: the addresses at which applications receive events."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from passback.cli import Data, group
from passback.cli.data import on_database
from passback.cli.text import one_line, show_time
from passback.domain.clock import system_clock
from passback.operations import webhooks

if TYPE_CHECKING:
    from passback.domain.clock import Instant
    from passback.operations.webhooks import Webhook

app = group("webhook")


@app.command(name="list")
def list_webhooks(*, district: str | None = None, data: Data = None) -> None:
    """List webhooks, without their secrets and without the query strings of their addresses.

    Args:
        district: Only this district's.
        data: The folder of the data file [data].
    """
    found = on_database(data, lambda it: webhooks.list_all(it, district and district.lower()))
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
    webhook = on_database(data, lambda it: webhooks.find(it, webhook_id.lower()))
    print(f"district      {webhook.district_id}")
    print(f"application   {one_line(webhook.application)}")
    print(f"address       {_address(webhook)}")
    print(f"events        {', '.join(webhook.events)}")
    print(f"state         {_state(webhook)}" + _since(webhook.disabled))
    print(f"created       {show_time(webhook.created)}")
    print(f"last changed  {show_time(webhook.last_modified)}")


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


def _state(webhook: Webhook) -> str:
    return "enabled" if webhook.disabled is None else "disabled"


def _since(disabled: Instant | None) -> str:
    return "" if disabled is None else f" since {show_time(disabled)}"


def _address(webhook: Webhook) -> str:
    """Without its query string, which may hold a secret of the application's."""
    return one_line(urlsplit(webhook.url)._replace(query="").geturl()) + (
        "?..." if "?" in webhook.url else ""
    )
