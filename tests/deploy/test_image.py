"""The image: its Dockerfile is linted, and its steps are done outside of Docker, which needs no image to begin with."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import passback
from support.commands import started
from support.dockerfile import Image, stages
from support.programs import program
from support.pythons import OUTSIDE, ROOT
from support.sandbox import Client, free_port

DOCKERFILE = ROOT / "Dockerfile"
BUILD, FINAL = stages(DOCKERFILE)


def test_hadolint_has_nothing_to_say() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("hadolint"), "--failure-threshold", "style", DOCKERFILE],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_image_runs_without_rights_and_says_what_it_is() -> None:
    assert FINAL.one("USER").text == "10001:10001"
    assert "useradd --uid 10001" in FINAL.one("RUN").text
    assert f'version="{passback.__version__}"' in FINAL.one("LABEL").text
    assert FINAL.texts("COPY") == ["--from=build /opt/passback /opt/passback"]


def test_only_what_the_image_is_made_of_reaches_docker() -> None:
    allowed = {
        it[1:] for it in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if it.startswith("!")
    }
    copied = {name for text in BUILD.texts("COPY") for name in text.split()[:-1]}
    assert copied == allowed


@contextlib.contextmanager
def container(
    image: Image, *arguments: str, **settings: str
) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """The image's program with arguments, or with those that the image gives it; and its environment."""
    own = {name: image.text(value) for name, value in FINAL.environment.items()}
    own["PATH"] = own["PATH"].replace(f"{image.root}/usr", "/usr")
    environment = {**own, **{name: image.text(value) for name, value in settings.items()}}
    command = [*FINAL.one("ENTRYPOINT").command, *(arguments or FINAL.one("CMD").command)]
    executable = image.at("/opt/passback/bin") / command[0]
    with started([executable, *command[1:]], environment, cwd=image.root) as process:
        yield process, environment


def is_healthy(image: Image, environment: dict[str, str]) -> bool:
    """Whether the image's health check is content, also where Docker gives containers the address of a proxy."""
    check = FINAL.one("HEALTHCHECK").command
    executable = image.at("/opt/passback/bin") / check[0]
    proxied = {**environment, "http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    done = subprocess.run([executable, *check[1:]], env=proxied, check=False, capture_output=True)
    return done.returncode == 0


def become_healthy(image: Image, environment: dict[str, str]) -> None:
    give_up = time.monotonic() + 60
    while not is_healthy(image, environment):
        assert time.monotonic() < give_up
        time.sleep(0.2)


def test_its_steps_make_a_gateway_that_writes_nothing_but_its_data(tmp_path: Path) -> None:
    image = Image(tmp_path, ROOT, OUTSIDE)
    image.build(BUILD)  # once: pip takes its time
    assert_nothing_builds(image)
    image.at("/data").mkdir()
    before = everything(image)
    port = free_port()
    with container(image, PASSBACK_PORT=str(port)) as (_, environment):
        become_healthy(image, environment)
        with contextlib.closing(Client(port, None)) as client:
            assert client.get("/console/sign-in").status == 200
            assert client.get("/docs").status == 200
    assert not is_healthy(image, environment)
    written = everything(image) - before
    assert {it for it in written if not it.startswith("data/")} == set()
    assert "data/passback.db" in written


def assert_nothing_builds(image: Image) -> None:
    """What has been installed is what runs, and nothing that builds."""
    installed = {
        it.name.partition("-")[0] for it in image.root.glob("opt/passback/lib/*/site-packages/*.dist-info")
    }
    assert installed.isdisjoint({"pip", "hatchling", "editables", "pathspec", "pluggy", "trove_classifiers"})
    needed = set(re.findall(r"(?m)^([a-z0-9-]+)==", (ROOT / "requirements.lock").read_text("utf-8")))
    assert "passback" in installed
    # Python 3.11 makes environments with setuptools.
    assert {it.replace("_", "-") for it in installed} - {"setuptools"} <= needed | {"passback"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes users")
def test_the_user_is_made(tmp_path: Path) -> None:
    image = Image(tmp_path, ROOT, OUTSIDE)
    for name in ("passwd", "group", "shadow", "gshadow"):
        image.at("/etc").mkdir(exist_ok=True)
        image.at(f"/etc/{name}").touch()
    program("useradd")
    image.run(FINAL.one("RUN").text)
    assert re.match(
        r"passback:x:10001:10001:.*:/usr/sbin/nologin", image.at("/etc/passwd").read_text("utf-8")
    )
    data = image.at("/data").stat()
    assert (data.st_uid, data.st_gid, data.st_mode & 0o777) == (10001, 10001, 0o700)


def everything(image: Image) -> set[str]:
    return {
        path.relative_to(image.root).as_posix() for path in image.root.rglob("*") if not path.is_symlink()
    }
