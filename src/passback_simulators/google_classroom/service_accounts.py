"""Service accounts: their keys, and the assertions that they sign.

Only the public half of a key is stored in the records. The private half lives in the process that made it; a process
without one makes a new pair, and older key files stay valid.
"""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from passback_simulators.google_classroom.state import ClassroomState
    from passback_simulators.records import Record


def service_account_key(lms: ClassroomState, url: str, project: str) -> dict[str, Any]:
    """The key file of a project's service account, as the Cloud console shows it once. `url`: the simulator's."""
    if project not in lms.private_keys:
        lms.private_keys[project] = _new_private_key()
    account, key_id = register(lms, project)
    return {
        "type": "service_account",
        "project_id": project,
        "private_key_id": key_id,
        "private_key": lms.private_keys[project][0],
        "client_email": account["email"],
        "client_id": account["client_id"],
        "auth_uri": f"{url}/o/oauth2/v2/auth",
        "token_uri": f"{url}/token",
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
        "client_x509_cert_url": f"https://www.googleapis.com/robot/v1/metadata/x509/{account['email']}",
        "universe_domain": "googleapis.com",
    }


def register(lms: ClassroomState, project: str) -> tuple[Record, str]:
    """Store the public half of this process's key for a project; returns the service account and the key's id."""
    account = next(one for one in lms.records.all("service_accounts") if one["project"] == project)
    public_key = lms.private_keys[project][1]
    key_id = hashlib.sha1(public_key.encode(), usedforsecurity=False).hexdigest()
    if key_id not in account["keys"]:
        account = account | {"keys": account["keys"] | {key_id: public_key}}
        lms.records.put("service_accounts", account["email"], account)
    return account, key_id


def _new_private_key() -> tuple[str, str]:
    """A private key and its public half, both as PEM."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private.decode(), public.decode()


def verified_claims(lms: ClassroomState, assertion: str) -> dict[str, Any] | str:
    """The claims of an assertion if a known service account signed it; otherwise Google's error message."""
    parts = assertion.split(".")
    try:
        header, claims = (_decoded(part) for part in parts[:2])
    except (ValueError, TypeError):
        return "Bad Request"
    if len(parts) != 3 or not isinstance(header, dict) or not isinstance(claims, dict):
        return "Bad Request"
    account = lms.records.get("service_accounts", str(claims.get("iss")))
    if account is None:
        return "Invalid grant: account not found"
    if header.get("alg") != "RS256":
        return "Invalid JWT Signature."
    key_id = header.get("kid")
    keys = account["keys"].values() if key_id is None else [account["keys"].get(key_id)]
    if not any(public_key and _signed(assertion, public_key) for public_key in keys):
        return "Invalid JWT Signature."
    return claims


def _decoded(part: str) -> Any:
    return msgspec.json.decode(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def _signed(assertion: str, public_key: str) -> bool:
    from joserfc import jws
    from joserfc.errors import JoseError
    from joserfc.jwk import RSAKey

    try:
        jws.deserialize_compact(assertion, RSAKey.import_key(public_key), algorithms=["RS256"])
    except (JoseError, ValueError):
        return False
    return True
