"""``passback completion``: what lets a shell complete commands and options."""

from __future__ import annotations

from typing import Literal

from passback.cli import app


def completion(shell: Literal["bash", "zsh", "fish"], /) -> None:
    """Print a script that lets a shell complete passback's commands and options.

    Args:
        shell: The shell that reads the script.
    """
    print(app.generate_completion(prog_name="passback", shell=shell))
