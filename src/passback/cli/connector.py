"""``passback connector``: connectors of other packages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from passback.cli import File, group
from passback.operations import new_connector

app = group("connector")


@app.command
def new(
    name: str, /, *, title: str = "", folder: Annotated[File | None, Parameter(name="--folder")] = None
) -> None:
    """Make a package for a connector to another LMS: a template whose tests run, and say what is not written yet.

    docs/tutorials/write-a-connector.md goes on from there.

    Args:
        name: The kind of LMS, such as slate: the lms_type of its districts.
        title: What people call the LMS [the name].
        folder: Where the package is made [NAME-connector].
    """
    place = folder or Path(f"{name}-connector").absolute()
    for file in new_connector.make(name, place, title or name.replace("_", " ").title()):
        print(file)
    print(f"Next: pip install -e '{place}[test]', then pytest there")


@app.command
def example(*, simulator: bool = False) -> None:
    """Print a finished connector: that of Slate, the LMS of the tutorial.

    Args:
        simulator: Print the simulated Slate instead, which the suite has fail.
    """
    print(new_connector.example("simulator" if simulator else "connector"), end="")
