"""Secrets at rest: encrypted with AES-256-GCM, each bound to its owner.

The keys come from the environment or from a key file. The first one encrypts, all of them decrypt, so that a key can be
replaced: put the new one first, encrypt everything again, and drop the old one.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import fcntl
import hashlib
import os
import secrets
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from passback.store.engine.files import make_folder, name_new, to_disk

KEY_BYTES = 32
_NONCE_BYTES = 12
_ID_LENGTH = 8


class VaultError(Exception):
    """A secret cannot be encrypted or decrypted; the message says why and what to do, and contains no secret."""


class Vault:
    """Encrypts and decrypts with the keys that `load` returns; loaded to encrypt, and to decrypt if they changed.

    `load` may make a first key. What only decrypts asks `at_hand` instead, if it is given, which makes none.
    """

    def __init__(
        self, load: Callable[[], Sequence[bytes]], at_hand: Callable[[], Sequence[bytes]] | None = None
    ) -> None:
        self._load = load
        self._at_hand = at_hand or load
        self._keys: dict[str, bytes] = {}

    def encrypt(self, secret: bytes, belongs_to: str) -> str:
        """Encrypt `secret` with the first key; it can only be decrypted for the same `belongs_to`."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        # Another process may have replaced the keys; with one that is gone, nobody could read the secret again.
        key_id, key = next(iter(self._reload(self._load).items()))
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = AESGCM(key).encrypt(nonce, secret, belongs_to.encode())
        return f"{key_id}.{base64.b64encode(nonce + sealed).decode()}"

    def decrypt(self, text: str, belongs_to: str) -> bytes:
        """Decrypt what `encrypt` returned. Raises `VaultError`."""
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        key_id, _, encoded = text.partition(".")
        key = self._keys.get(key_id) or self._reload(self._at_hand).get(key_id)
        if key is None:
            raise VaultError(
                f"a secret was encrypted with the key {key_id}, which is not at hand: "
                "put it back into PASSBACK_SECRET_KEY or the key file, or connect the district again"
            )
        try:
            sealed = base64.b64decode(encoded, validate=True)
            return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], belongs_to.encode())
        except (binascii.Error, InvalidTag, ValueError):
            raise VaultError("a secret has been damaged: connect the district again") from None

    def _reload(self, load: Callable[[], Sequence[bytes]]) -> dict[str, bytes]:
        self._keys = {key_id(key): key for key in load()}
        return self._keys


def key_id(key: bytes) -> str:
    """The id of a key, which reveals nothing about the key."""
    return hashlib.sha256(b"passback key " + key).hexdigest()[:_ID_LENGTH]


def key_id_of(text: str) -> str:
    """The id of the key that encrypted a secret."""
    return text.partition(".")[0]


def new_key() -> str:
    """Generate a key, as text."""
    return base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def parse_keys(text: str, source: str) -> list[bytes]:
    """Parse keys from a text, separated by line breaks or commas. Raises `VaultError`."""
    keys = []
    for part in text.replace(",", "\n").split():
        try:
            key = base64.b64decode(part, validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise VaultError(f"{source} must hold base64 of {KEY_BYTES} bytes, as `passback key new` prints")
        keys.append(key)
    if not keys:
        raise VaultError(f"{source} holds no key: `passback key new` prints one")
    return keys


def read_key_file(path: Path) -> list[bytes]:
    """Read the keys of a key file, creating it with a new key if there is none. Raises `VaultError`.

    Of several processes that do so at once, all get the key of the one that was first.
    """
    if not (keys := keys_in_file(path)):
        try:
            with _written(path, [new_key()]) as temporary, contextlib.suppress(FileExistsError):
                name_new(temporary, path)
                to_disk(path.parent)
        except OSError as error:
            raise VaultError(f"cannot make the key file {path}: {error.strerror}") from None
        keys = keys_in_file(path)
    return keys


def keys_in_file(path: Path) -> list[bytes]:
    """Read the keys of a key file; there are none if there is no file. Raises `VaultError`."""
    try:
        text = path.read_text("utf-8", "replace")
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise VaultError(f"cannot read the key file {path}: {error.strerror}") from None
    return parse_keys(text, f"the key file {path}")


def write_key_file(path: Path, keys: Sequence[str]) -> None:
    """Create or atomically replace a key file, which only its owner can read."""
    with _written(path, keys) as temporary:
        temporary.replace(path)
        to_disk(path.parent)


@contextlib.contextmanager
def key_file_locked(path: Path) -> Iterator[None]:
    """Wait until no other process changes the key file, and keep others from it. Raises `VaultError`."""
    try:
        folder = os.open(path.parent, os.O_RDONLY)
    except OSError as error:
        raise VaultError(f"cannot use the key file {path}: {error}") from None
    try:
        # The folder, as the file itself is replaced.
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


@contextlib.contextmanager
def _written(path: Path, keys: Sequence[str]) -> Iterator[Path]:
    """A file with the keys, beside the key file; it is removed in the end, unless it has another name by then."""
    make_folder(path.parent)
    temporary = path.with_name(f"{path.name}.{secrets.token_hex(8)}.new")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write("\n".join(keys) + "\n")
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
