"""``passback completion``: what lets a shell complete commands and options."""

from __future__ import annotations

from typing import Literal

from passback.cli import app


def completion(shell: Literal["bash", "zsh", "fish"], /) -> None:
    """Print a script that lets a shell complete passback's commands and options.

    Args:
        shell: The shell that reads the script.
    """
    script = app.generate_completion(prog_name="passback", shell=shell)
    # zsh looks in the file _passback for a function of that name, and would find one that it never calls.
    print(script.replace("_cyclopts_passback", "_passback") if shell == "zsh" else script)
