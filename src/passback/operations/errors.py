"""How an operation fails."""

from __future__ import annotations

from passback.store.engine.database import StoreError
from passback.store.engine.vault import VaultError

__all__ = ["NotFound", "OperationError", "StoreError", "VaultError"]


class OperationError(Exception):
    """The operation cannot be carried out as requested, and has changed nothing; the message says why."""


class NotFound(OperationError):
    """The named object does not exist."""
