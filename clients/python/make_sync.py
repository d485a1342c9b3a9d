"""Write the client that waits from the one that does not: the same, without ``async`` and ``await``."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import unasync

PACKAGE = Path(__file__).parent / "src" / "passback_client"
_NAMES = {
    **{
        f"Async{name}": name
        for name in ("Passback", "Assignments", "Submissions", "Deliveries", "Roster", "Webhooks", "Client")
    },
    "aclose": "close",
    "asyncio": "time",
    "_async": "_sync",
}


def made() -> str:
    """The text of the client that waits."""
    with tempfile.TemporaryDirectory() as folder:
        rule = unasync.Rule(fromdir=f"{PACKAGE}/_async/", todir=f"{folder}/", additional_replacements=_NAMES)
        unasync.unasync_files([f"{PACKAGE}/_async/client.py"], [rule])
        text = (Path(folder) / "client.py").read_text("utf-8")
    head, _, rest = text.partition("\n")
    text = f"{head}\n\n# Made by make_sync.py from _async/client.py.\n{rest}"
    for ruff in (["check", "--select=I,F401", "--fix", "--quiet"], ["format", "--quiet"]):
        command = [
            sys.executable,
            "-m",
            "ruff",
            *ruff,
            "--stdin-filename",
            str(PACKAGE / "_sync" / "client.py"),
            "-",
        ]
        text = subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout
    return text


if __name__ == "__main__":
    target = PACKAGE / "_sync" / "client.py"
    if "--check" in sys.argv:
        sys.exit(target.read_text("utf-8") != made())
    target.write_text(made(), "utf-8")
