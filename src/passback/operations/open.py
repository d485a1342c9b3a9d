"""Opening what operations work on: a data file that exists, and the keys of its secrets."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from passback.operations.errors import NotFound, OperationError
from passback.settings import trust_authorities
from passback.store.engine import migrate
from passback.store.engine.database import Opened
from passback.store.engine.migrate import Kind
from passback.store.engine.open import connect
from passback.store.engine.vault import Vault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from passback.settings import Settings

__all__ = ["Kind", "Opened", "Vault", "existing", "vault_of"]


@contextlib.contextmanager
def existing(settings: Settings) -> Iterator[Opened]:
    """Open the database of a gateway or sandbox that has been started before, and migrate it.

    Raises `OperationError` and `StoreError`.
    """
    trust_authorities(settings)
    path = settings.data_file
    if not settings.database_url:
        if path is None:
            raise OperationError(
                "data that is kept nowhere cannot be reached from another process: give a data folder"
            )
        if not path.exists():
            raise NotFound(
                f"there is no data file {path}: give the data folder of a gateway that has been started"
            )
    with contextlib.closing(connect(settings.database_url, path)) as database:
        migrate.prepare(database, migrate.kind_of(database))
        yield database


def vault_of(settings: Settings) -> Vault:
    """What opens the secrets in the database."""
    return Vault(settings.secret_keys, settings.keys_at_hand)
