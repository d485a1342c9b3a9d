"""Secrets at rest."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest

from passback.store.engine.vault import (
    KEY_BYTES,
    Vault,
    VaultError,
    new_key,
    parse_keys,
    read_key_file,
    write_key_file,
)

OLD, NEW = (base64.b64decode(new_key()) for _ in range(2))


def test_what_is_encrypted_can_be_decrypted() -> None:
    vault = Vault(lambda: [OLD])
    assert vault.decrypt(vault.encrypt(b"secret", "district 1"), "district 1") == b"secret"


def test_what_is_encrypted_does_not_show_and_is_never_alike() -> None:
    vault = Vault(lambda: [OLD])
    first, second = (vault.encrypt(b"secret", "district 1") for _ in range(2))
    assert "secret" not in first
    assert first != second


def test_a_secret_of_another_is_not_decrypted() -> None:
    vault = Vault(lambda: [OLD])
    with pytest.raises(VaultError, match="damaged"):
        vault.decrypt(vault.encrypt(b"secret", "district 1"), "district 2")


@pytest.mark.parametrize(
    "change", [lambda text: text[:-4] + "AAA=", lambda text: text + "!", lambda text: text[:12]]
)
def test_a_damaged_secret_is_told(change: object) -> None:
    vault = Vault(lambda: [OLD])
    assert callable(change)
    with pytest.raises(VaultError, match="damaged"):
        vault.decrypt(change(vault.encrypt(b"secret", "x")), "x")


def test_the_first_key_encrypts_and_every_key_decrypts() -> None:
    before = Vault(lambda: [OLD]).encrypt(b"secret", "x")
    both = Vault(lambda: [NEW, OLD])
    assert both.decrypt(before, "x") == b"secret"
    assert Vault(lambda: [NEW]).decrypt(both.encrypt(b"secret", "x"), "x") == b"secret"


def test_a_key_that_is_put_in_while_running_is_found() -> None:
    keys = [OLD]
    vault = Vault(lambda: keys)
    vault.encrypt(b"x", "x")
    keys.insert(0, NEW)
    assert vault.decrypt(Vault(lambda: [NEW]).encrypt(b"secret", "x"), "x") == b"secret"


def test_a_missing_key_is_told_without_the_secret() -> None:
    sealed = Vault(lambda: [OLD]).encrypt(b"secret", "x")
    with pytest.raises(VaultError, match="not at hand"):
        Vault(lambda: [NEW]).decrypt(sealed, "x")


@pytest.mark.parametrize(
    "text", ["", "short", "not base64!", base64.b64encode(b"x" * (KEY_BYTES - 1)).decode()]
)
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(VaultError, match="key"):
        parse_keys(text, "PASSBACK_SECRET_KEY")


def test_a_key_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret.key"
    keys = read_key_file(path)
    assert (read_key_file(path), stat.S_IMODE(path.stat().st_mode)) == (keys, 0o600)


def test_a_key_file_is_replaced_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "secret.key"
    write_key_file(path, [new_key()])
    write_key_file(path, [base64.b64encode(key).decode() for key in (NEW, OLD)])
    assert (read_key_file(path), [file.name for file in tmp_path.iterdir()]) == ([NEW, OLD], ["secret.key"])


def test_a_key_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match=r"cannot read the key file .*: Is a directory"):
        read_key_file(tmp_path)
