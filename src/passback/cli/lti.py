"""``passback lti``: what LMSs need to know of Passback, and the keys that it signs with."""

from __future__ import annotations

from passback.cli import Data, group
from passback.cli.data import on_database, vault
from passback.cli.output import show_json
from passback.domain.clock import system_clock
from passback.operations import lti, lti_keys
from passback.settings import load

app = group("lti")


@app.command
def addresses(*, json: bool = False) -> None:
    """Show what to enter in an LMS to register Passback there by hand.

    They begin with the setting public_url. `passback connect lti --link` makes a link instead, by which most LMSs
    register Passback themselves.

    Args:
        json: Print JSON.
    """
    found = lti.addresses(load().base_url)
    if json:
        show_json({"login": found.login, "launch": found.launch, "keys": found.keys})
        return
    print(f"login (initiate login, OIDC)        {found.login}")
    print(f"launch (redirect, target link)      {found.launch}")
    print(f"public keys (JWKS, keyset)          {found.keys}")


@app.command
def add_deployment(*, district: str, deployment: str, data: Data = None) -> None:
    """Take launches of one more deployment of the LMS for the district's.

    An LMS may have Passback several times, such as once for each school; the id of the deployment tells them apart.

    Args:
        district: The district's id.
        deployment: The id of the deployment, as the LMS shows it.
        data: The folder of the data file [data].
    """
    district = district.lower()
    on_database(data, lambda it: lti.add_deployment(it, vault(data), system_clock, district, deployment))
    print(f"launches of deployment {deployment} are district {district}'s")


@app.command
def rotate_key(*, leaked: bool = False, data: Data = None) -> None:
    """Sign with the next key from now on, and publish one more. This happens by itself every 30 days.

    LMSs have had a day or more to read the next key, so nothing is interrupted. The last key stays published for a day.

    Args:
        leaked: Somebody else may have the keys: replace all of them at once. An LMS may refuse Passback for as long
            as it does not read the new ones.
        data: The folder of the data file [data].
    """
    signs = on_database(data, lambda it: lti_keys.rotate(it, load(data=data), system_clock, leaked=leaked))
    print(f"key {signs} signs from now on")
