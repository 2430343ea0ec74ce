"""Every rendered resource fits its schema; a field that does not exist is refused."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import kubernetes_validate
import pytest

from deploy.kubernetes import prometheus_rule
from tests.deploy.kubernetes.rendered import OVERLAY, Resource, one, rendered
from tests.require import ROOT

SCHEMAS = ROOT / "tests" / "deploy" / "kubernetes" / "schemas"
OLDEST, NEWEST = "1.27", "1.37"
"""Kubernetes from the first version with every field that is used."""


def check(resource: Resource, version: str) -> None:
    """Raise where the resource does not fit: Kubernetes's own kinds by its API, the others by their CRD."""
    own = SCHEMAS / f"{resource['kind'].lower()}.json"
    if own.exists():
        schema: dict[str, Any] = json.loads(own.read_text(encoding="utf-8"))
        jsonschema.Draft202012Validator(schema).validate(resource)
    else:
        kubernetes_validate.validate(resource, version, strict=True)


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
@pytest.mark.parametrize("part", ["base", OVERLAY])
def test_every_resource_fits_its_schema(part: str, version: str) -> None:
    """The API server and the operators would take all of it."""
    kinds = set()
    for resource in rendered(part):
        check(resource, version)
        kinds.add(resource["kind"])
    assert kinds >= {"StatefulSet", "Deployment", "Job", "PodDisruptionBudget", "NetworkPolicy", "Service"}
    assert kinds >= {"ScaledObject", "ServiceMonitor", "PrometheusRule"}


@pytest.mark.parametrize(
    ("kind", "name", "path"),
    [
        ("StatefulSet", "roompulse-scorer", ["spec", "template", "spec", "containers", 0, "livenessProbe"]),
        ("ScaledObject", "roompulse-scorer", ["spec"]),
        ("ServiceMonitor", "roompulse-scorer", ["spec", "endpoints", 0]),
        ("PrometheusRule", "roompulse", ["spec", "groups", 0, "rules", 0]),
    ],
)
def test_a_misspelt_field_is_found(kind: str, name: str, path: list[Any]) -> None:
    """The check is one: a field that nobody knows fails it, wherever it stands."""
    resource = copy.deepcopy(one(kind, name))
    check(resource, NEWEST)
    place = resource
    for step in path:
        place = place[step]
    place["perioodSeconds"] = 5
    with pytest.raises((jsonschema.ValidationError, kubernetes_validate.ValidationError)):
        check(resource, NEWEST)


def test_the_prometheus_rule_is_up_to_date() -> None:
    """It holds the rules of deploy/prometheus/rules as they are now."""
    assert prometheus_rule.FILE.read_text(encoding="utf-8") == prometheus_rule.text(), "python -m deploy.kubernetes"
    assert len(prometheus_rule.groups()) > 1
