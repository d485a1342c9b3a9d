"""The compose file and Kubernetes' manifests: valid by their schemas, in step with the image, and with what it reads."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

import passback
from passback.settings import Settings, unknown_variables
from passback.store.engine.vault import new_key
from support.commands import ENVIRONMENT, command, started
from support.dockerfile import stages
from support.postgres import fresh_database
from support.sandbox import Client, free_port, wait_until

ROOT = Path(__file__).parents[2]
IMAGE = f"passback:{passback.__version__}"
FINAL = stages(ROOT / "Dockerfile")[-1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
MANIFESTS = sorted((ROOT / "deploy" / "kubernetes").rglob("*.yaml"))
OBJECTS: list[dict[str, Any]] = [
    it for path in MANIFESTS for it in yaml.safe_load_all(path.read_text("utf-8"))
]
DEPLOYMENTS = [it for it in OBJECTS if it["kind"] == "Deployment"]


def check(tool: str, *arguments: str | Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name(tool), *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_compose_file_is_valid() -> None:
    check("check-jsonschema", "--builtin-schema", "vendor.compose-spec", ROOT / "compose.yaml")


@pytest.mark.parametrize("service", SERVICES.values(), ids=SERVICES)
def test_each_service_is_locked_in_and_waits_for_what_it_needs(service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert set(service["secrets"]) <= set(COMPOSE["secrets"])
    needs: Mapping[str, Mapping[str, str]] = service.get("depends_on", {})
    assert all(it == {"condition": "service_healthy"} for it in needs.values())
    if service["image"].startswith("passback"):
        assert service["image"] == IMAGE
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert unknown_variables(service["environment"]) == []


@contextlib.contextmanager
def service(name: str, secrets: Path, **settings: str) -> Iterator[subprocess.Popen[str]]:
    """A service of the compose file, without its container."""
    given = SERVICES[name]
    environment = {**given["environment"], "PASSBACK_DATA": str(secrets / "data")}
    for variable, value in environment.items():
        default = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", value)
        environment[variable] = default.replace("/run/secrets", str(secrets))
    with started(command(*given["command"]), {**ENVIRONMENT, **environment, **settings}) as process:
        yield process


def test_the_services_start_with_their_secrets_on_postgresql(tmp_path: Path) -> None:
    with fresh_database() as url:
        (tmp_path / "database_url").write_text(url + "\n")
        (tmp_path / "secret_key").write_text(new_key() + "\n")
        port = free_port()
        with service("gateway", tmp_path, PASSBACK_PORT=str(port)) as gateway:
            assert gateway.stdout is not None
            assert "Passback serves" in gateway.stdout.readline()
            with contextlib.closing(Client(port, None)) as client:
                wait_until(lambda: client.get("/health/ready").status == 200)
            with service("worker", tmp_path) as worker:
                assert worker.stdout is not None
                assert "Passback delivers" in worker.stdout.readline()
    assert {it.name for it in tmp_path.iterdir()} == {"database_url", "secret_key"}


def test_kubernetes_takes_the_manifests() -> None:
    check("kubernetes-validate", "--strict", *MANIFESTS)
    check("kubernetes-validate", "--strict", "--kubernetes-version", "1.29", *MANIFESTS)


def test_no_object_is_of_a_namespace() -> None:
    assert all("namespace" not in it["metadata"] for it in OBJECTS)
    assert {it["kind"] for it in OBJECTS} == {
        "ConfigMap", "Deployment", "NetworkPolicy", "PodDisruptionBudget", "Secret", "Service",
    }  # fmt: skip


@pytest.mark.parametrize("deployment", DEPLOYMENTS, ids=lambda it: it["metadata"]["name"])
def test_pods_are_locked_in_and_have_what_the_image_needs(deployment: dict[str, Any]) -> None:
    pod = deployment["spec"]["template"]["spec"]
    [container] = pod["containers"]
    user, _, group = FINAL.one("USER").text.partition(":")
    assert (pod["securityContext"]["runAsUser"], pod["securityContext"]["runAsGroup"]) == (
        int(user),
        int(group),
    )
    assert pod["automountServiceAccountToken"] is False
    assert container["image"] == IMAGE
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert container["resources"]["limits"]["memory"]
    mounted = {it["mountPath"] for it in container["volumeMounts"]}
    assert mounted >= {FINAL.environment["PASSBACK_DATA"], "/tmp"}
    [config] = [it for it in OBJECTS if it["kind"] == "ConfigMap"]
    [secret] = [it for it in OBJECTS if it["kind"] == "Secret"]
    assert unknown_variables(config["data"]) == []
    files = {it["value"] for it in container["env"] if it["name"].endswith("_FILE")}
    assert {Path(it).name for it in files} == set(secret["stringData"])
    assert all(Path(it).parent.as_posix() in mounted for it in files)
    assert unknown_variables({it["name"]: it["value"] for it in container["env"]}) == []


def test_probes_and_service_lead_to_the_port_that_is_served() -> None:
    [gateway] = [it for it in DEPLOYMENTS if it["metadata"]["name"] == "passback-gateway"]
    [container] = gateway["spec"]["template"]["spec"]["containers"]
    [port] = container["ports"]
    assert str(port["containerPort"]) == FINAL.environment["PASSBACK_PORT"] == str(Settings().port)
    [served] = [it for it in OBJECTS if it["kind"] == "Service"]
    assert served["spec"]["ports"][0]["targetPort"] == port["name"]
    assert served["spec"]["selector"].items() <= gateway["spec"]["template"]["metadata"]["labels"].items()
    paths = {
        it: container[it]["httpGet"]["path"] for it in ("startupProbe", "readinessProbe", "livenessProbe")
    }
    assert paths == {
        "startupProbe": "/health/ready", "readinessProbe": "/health/ready", "livenessProbe": "/health/live",
    }  # fmt: skip
