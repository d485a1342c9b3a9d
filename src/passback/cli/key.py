"""``passback key``: the key that credentials are encrypted with."""

from __future__ import annotations

from passback.cli import Data, group, leaving
from passback.cli.data import on_database
from passback.cli.output import show_json
from passback.operations import keys
from passback.settings import load

app = group("key")


@app.command
def new(*, json: bool = False) -> None:
    """Print a new key, for PASSBACK_SECRET_KEY.

    Args:
        json: Print JSON.
    """
    key = keys.new_key()
    if json:
        show_json({"key": key})
    else:
        print(key)


@app.command
def rotate(*, data: Data = None) -> None:
    """Encrypt all credentials, webhook secrets and LTI keys with a new key.

    With a key file, the command makes the new key and drops the old one. With PASSBACK_SECRET_KEY, put the new key in
    front of the old one first ("new,old"); after this command, the old one can be removed.

    Args:
        data: The folder of the data file [data].
    """
    with leaving(lambda: "the keys that there are open every secret: give the command again"):
        done = on_database(data, lambda it: keys.rotate(it, load(data=data)))
    counted = (
        _count(done.connections, "connection"),
        _count(done.webhooks, "webhook"),
        _count(done.lti_keys, "LTI key"),
    )
    print("{}, {} and {} encrypted again".format(*counted))
    if not done.in_file:
        print(
            "Remove the old key from PASSBACK_SECRET_KEY once every server has been started with the new one."
        )


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
