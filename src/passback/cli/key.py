"""``passback key``: the key that credentials are encrypted with."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cyclopts import App

from passback.cli import Data, UsageError
from passback.cli.data import existing
from passback.settings import load
from passback.store import connections, webhooks
from passback.store.engine.vault import Vault, new_key, read_key_file, write_key_file

if TYPE_CHECKING:
    from passback.store.engine.database import Connection

app = App(name="key", help="Make and rotate the key that credentials are encrypted with.")


@app.command
def new() -> None:
    """Print a new key, for PASSBACK_SECRET_KEY."""
    print(new_key())


@app.command
def rotate(*, data: Data = None) -> None:
    """Encrypt all credentials and webhooks' secrets with a new key.

    With a key file, the new key is made and the old one dropped. With PASSBACK_SECRET_KEY, put the new key in front of
    the old one first ("new,old"); when this command is done, the old one can go.

    Args:
        data: The folder of the data file [data].
    """
    settings = load(data=data)
    path = None if settings.secret_key else settings.key_file
    with existing(data) as database:
        if path is not None:
            import base64

            old = [base64.b64encode(key).decode() for key in read_key_file(path)]
            fresh = new_key()
            # Both are kept until everything has been encrypted anew: nothing is lost should this be interrupted.
            write_key_file(path, [fresh, *old])
        elif len(settings.secret_keys()) < 2:
            raise UsageError("put the new key in front of the old one first: PASSBACK_SECRET_KEY=new,old")
        done = database.write_now(lambda conn: _encrypt_all(conn, Vault(settings.secret_keys)))
        if path is not None:
            write_key_file(path, [fresh])
    print(
        " and ".join(f"{count} {what}{'s' if count != 1 else ''}" for what, count in done), "encrypted anew"
    )
    if path is None:
        print(
            "the old key can be taken out of PASSBACK_SECRET_KEY once every server has been started with the new one"
        )


def _encrypt_all(conn: Connection, vault: Vault) -> list[tuple[str, int]]:
    """How many there were of what."""
    districts = connections.all_districts(conn)
    for district_id in districts:
        stored = connections.find(conn, district_id)
        assert stored is not None
        credentials = connections.seal(vault, district_id, connections.unseal(vault, stored))
        connections.save(
            conn,
            district_id,
            address=stored.address,
            options=stored.options,
            credentials=credentials,
            now=stored.last_modified,
        )
    hooks = webhooks.find_all(conn)
    for webhook in hooks:
        webhooks.update(conn, webhooks.reseal(vault, webhook))
    return [("connection", len(districts)), ("webhook", len(hooks))]
