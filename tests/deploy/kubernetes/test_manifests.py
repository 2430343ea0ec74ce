"""The fields that matter at night are there, in every pod and whatever the overlay."""

from __future__ import annotations

from typing import Any

import pytest

from scorer.readiness import STUCK_S
from tests.deploy.kubernetes.rendered import OVERLAY, one, pods, rendered

PARTS = ["base", OVERLAY]
SERVICES = ["roompulse-scorer", "roompulse-notify"]
LOAD_S_PER_MILLION = 8.0
"""What loading a million rooms from Redis was measured to take at most."""


def allowed_s(probe: dict[str, Any]) -> float:
    return float(probe["periodSeconds"] * probe["failureThreshold"])


@pytest.mark.parametrize("part", PARTS)
def test_no_pod_may_do_more_than_it_needs(part: str) -> None:
    """The restricted profile and more: a user of its own, nothing writable but /tmp, no token of the cluster."""
    assert set(pods(part)) == {"roompulse-topics", *SERVICES}
    for name, pod in pods(part).items():
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["automountServiceAccountToken"] is False
        (container,) = pod["containers"]
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {mount["mountPath"] for mount in container["volumeMounts"] if not mount.get("readOnly")} == {"/tmp"}
        assert "memory" in container["resources"]["limits"]
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys()
        assert not container["image"].endswith(":latest")
        assert ":" in container["image"]


@pytest.mark.parametrize("part", PARTS)
def test_secrets_are_named_and_never_here(part: str) -> None:
    """No Secret is rendered; what needs one says which."""
    assert not [resource for resource in rendered(part) if resource["kind"] == "Secret"]
    (container,) = pods(part)["roompulse-scorer"]["containers"]
    (redis,) = [variable for variable in container["env"] if variable["name"] == "ROOMPULSE_REDIS_URL"]
    assert redis == {
        "name": "ROOMPULSE_REDIS_URL",
        "valueFrom": {"secretKeyRef": {"name": "roompulse-redis", "key": "url"}},
    }


@pytest.mark.parametrize("name", SERVICES)
def test_what_is_alive_and_what_is_ready_is_asked_for(name: str) -> None:
    """Three probes on the port that the service and its monitor name as well."""
    (container,) = pods()[name]["containers"]
    paths = {probe: container[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
    assert paths["startupProbe"] == paths["livenessProbe"] == {"path": "/healthz", "port": "metrics"}
    assert paths["readinessProbe"] == {"path": "/readyz", "port": "metrics"}
    (port,) = container["ports"]
    (served,) = one("Service", name)["spec"]["ports"]
    (endpoint,) = one("ServiceMonitor", name)["spec"]["endpoints"]
    assert port["name"] == served["targetPort"] == served["name"] == endpoint["port"] == "metrics"
    assert port["containerPort"] == served["port"]
    labels = one("Service", name)["metadata"]["labels"]
    assert one("ServiceMonitor", name)["spec"]["selector"]["matchLabels"].items() <= labels.items()


def test_a_recovery_of_millions_of_rooms_is_not_cut_short() -> None:
    """The probes wait for a start of five minutes, and for a turn of the loop that loads ten million rooms and more."""
    (container,) = pods()["roompulse-scorer"]["containers"]
    assert allowed_s(container["startupProbe"]) >= 300
    assert STUCK_S + allowed_s(container["livenessProbe"]) >= 10 * LOAD_S_PER_MILLION


def test_scorers_keep_their_names_and_leave_one_at_a_time() -> None:
    """A StatefulSet behind its own headless service, spread out, given time to end, and guarded against drains."""
    scorer = one("StatefulSet", "roompulse-scorer")["spec"]
    assert scorer["serviceName"] == one("Service", "roompulse-scorer")["metadata"]["name"]
    assert one("Service", "roompulse-scorer")["spec"]["clusterIP"] == "None"
    assert "replicas" not in scorer, "the scaler's alone: an apply would set it back"
    pod, labels = scorer["template"]["spec"], scorer["template"]["metadata"]["labels"]
    assert scorer["selector"]["matchLabels"] == labels
    assert pod["terminationGracePeriodSeconds"] >= STUCK_S
    spread = {rule["topologyKey"]: rule["labelSelector"]["matchLabels"] for rule in pod["topologySpreadConstraints"]}
    assert spread == {"topology.kubernetes.io/zone": labels, "kubernetes.io/hostname": labels}
    budget = one("PodDisruptionBudget", "roompulse-scorer")["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"]["matchLabels"] == labels
    target = one("ScaledObject", "roompulse-scorer")["spec"]["scaleTargetRef"]
    assert (target["kind"], target["name"]) == ("StatefulSet", "roompulse-scorer")


def test_only_what_is_needed_passes_the_network() -> None:
    """Prometheus comes in; names and Kafka go out of every pod, Redis out of scorers and Alertmanager out of notify."""
    policies = {name: one("NetworkPolicy", name)["spec"] for name in ("roompulse", *SERVICES)}
    assert set(policies["roompulse"]["policyTypes"]) == {"Ingress", "Egress"}
    out = {
        name: {port["port"] for rule in policy["egress"] for port in rule["ports"]} for name, policy in policies.items()
    }
    assert out == {"roompulse": {53, 9092}, "roompulse-scorer": {6379}, "roompulse-notify": {9093}}
    (incoming,) = policies["roompulse"]["ingress"]
    assert [port["port"] for port in incoming["ports"]] == ["metrics"]


def test_jobs_of_series_are_named_as_the_rules_ask() -> None:
    """Prometheus names a monitored service's job after it, and rules and dashboards ask for these jobs."""
    rules = str(one("PrometheusRule", "roompulse")["spec"])
    for name in SERVICES:
        assert f'job="{name}"' in rules
        assert "jobLabel" not in one("ServiceMonitor", name)["spec"]
