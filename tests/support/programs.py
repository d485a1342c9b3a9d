"""Programs that tests need and pip does not bring."""

from __future__ import annotations

import os
import shutil

import pytest


def program(name: str) -> str:
    """The path of a program. Skips the test if it is not on this machine; in CI it fails."""
    # Debian keeps servers where only root looks.
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        why = f"needs the program {name}, which is not here"
        if os.environ.get("CI"):
            pytest.fail(why)
        pytest.skip(why)
    return found
