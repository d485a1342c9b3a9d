"""Reading a Dockerfile, and doing what it says outside of Docker: in a folder that stands for the image's root."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Instruction:
    """An instruction, such as ``RUN``."""

    name: str
    text: str
    """What follows the name; lines that are continued are one."""

    @property
    def command(self) -> list[str]:
        """The command of one in exec form (JSON)."""
        found: list[str] = json.loads(self.text[self.text.index("[") :])
        return found


@dataclass
class Stage:
    """What one ``FROM`` begins."""

    name: str
    instructions: list[Instruction] = field(default_factory=list)

    def texts(self, name: str) -> list[str]:
        """What follows the instructions of a name."""
        return [it.text for it in self.instructions if it.name == name]

    def one(self, name: str) -> Instruction:
        """The only instruction of a name."""
        [found] = [it for it in self.instructions if it.name == name]
        return found

    @property
    def environment(self) -> dict[str, str]:
        """The variables that ``ENV`` sets."""
        pairs = re.findall(r"(\w+)=(\S+)", " ".join(self.texts("ENV")))
        return dict(pairs)


def stages(path: Path) -> list[Stage]:
    """The stages of a Dockerfile."""
    found: list[Stage] = []
    for instruction in _instructions(path.read_text("utf-8")):
        if instruction.name == "FROM":
            _, _, name = instruction.text.partition(" AS ")
            found.append(Stage(name))
        elif found:
            found[-1].instructions.append(instruction)
    return found


def _instructions(text: str) -> Iterator[Instruction]:
    lines = "\n".join(line for line in text.splitlines() if not line.lstrip().startswith("#"))
    for line in re.sub(r"\\\n\s*", " ", lines).splitlines():
        if line.strip():
            name, _, rest = line.strip().partition(" ")
            yield Instruction(name, rest.strip())


class Image:
    """What a Dockerfile makes, below a folder. It has the programs of this machine."""

    def __init__(self, root: Path, context: Path, environment: Mapping[str, str]) -> None:
        """`context` is the folder of what is copied, `environment` what commands have."""
        self.root = root
        self._context = context
        self._environment = environment
        self._folder = root
        # The image's Python is this one.
        (root / "bin").mkdir(parents=True)
        (root / "bin" / "python").symlink_to(sys.executable)

    def build(self, stage: Stage) -> None:
        """Do what a stage says. A step that fails raises ``CalledProcessError``."""
        for it in stage.instructions:
            if it.name == "WORKDIR":
                self._folder = self.at(it.text)
                self._folder.mkdir(parents=True, exist_ok=True)
            elif it.name == "COPY" and not it.text.startswith("--from="):
                self._copy(it.text.split())
            elif it.name == "RUN":
                self.run(it.text)

    def at(self, path: str) -> Path:
        """Where a path of the image is."""
        return self.root / path.lstrip("/")

    def text(self, text: str) -> str:
        """A text with the image's paths where they are."""
        text = re.sub(r"(?<![\w.])/(opt|data|src|run/secrets)(?=/|\s|$|')", rf"{self.root}/\1", text)
        return text.replace("useradd ", f"useradd --prefix {self.root} ")

    def run(self, command: str) -> None:
        """Run a step of the shell."""
        environment = {**self._environment, "PATH": f"{self.root}/bin:{self._environment['PATH']}"}
        subprocess.run(
            ["/bin/sh", "-e", "-c", self.text(command)], cwd=self._folder, env=environment, check=True, capture_output=True
        )  # fmt: skip

    def _copy(self, given: list[str]) -> None:
        *sources, target = given
        into = self._folder / target
        for source in sources:
            path = self._context / source
            if path.is_dir():
                shutil.copytree(path, into, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                into.mkdir(exist_ok=True)
                shutil.copy(path, into)
