"""What kustomize makes of deploy/kubernetes."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from tests.require import ROOT, require

FOLDER = ROOT / "deploy" / "kubernetes"
OVERLAY = "overlays/production"

Resource = dict[str, Any]


@cache
def rendered(part: str) -> list[Resource]:
    """All resources of `base` or an overlay. Skips the test where there is no kubectl."""
    kubectl = shutil.which("kubectl")
    require("kubectl", kubectl is not None, "apt-get install kubernetes-client")
    version = subprocess.run([str(kubectl), "version", "--client"], capture_output=True, text=True, check=False).stdout
    with TemporaryDirectory() as folder:
        copied = shutil.copytree(FOLDER, Path(folder) / "kubernetes")
        if (minor := re.search(r"v1\.(\d+)", version)) and int(minor[1]) < 21:
            _in_old_words(copied / part / "kustomization.yaml")
        done = subprocess.run([str(kubectl), "kustomize", str(copied / part)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not done.stderr, "kustomize warns"
    return [resource for resource in yaml.safe_load_all(done.stdout) if resource]


def one(kind: str, name: str, part: str = "base") -> Resource:
    """The resource of this kind and name; a generated ConfigMap's name may go on after it."""
    found = [
        resource
        for resource in rendered(part)
        if resource["kind"] == kind and re.fullmatch(name + "(-[a-z0-9]{10})?", resource["metadata"]["name"])
    ]
    assert len(found) == 1, f"{kind} {name}: {len(found)} of them"
    return found[0]


def pods(part: str = "base") -> dict[str, Resource]:
    """The pod of each workload, by the workload's name."""
    return {
        resource["metadata"]["name"]: resource["spec"]["template"]["spec"]
        for resource in rendered(part)
        if resource["kind"] in {"StatefulSet", "Deployment", "Job"}
    }


def _in_old_words(path: Path) -> None:
    """Debian 12's kubectl 1.20 knows folders as `bases` and patches without a target by their longer name."""
    read = yaml.safe_load(path.read_text(encoding="utf-8"))
    read["bases"] = [name for name in read["resources"] if (path.parent / name).is_dir()]
    read["resources"] = [name for name in read["resources"] if name not in read["bases"]]
    read["patchesStrategicMerge"] = [patch["path"] for patch in read.pop("patches", [])]
    path.write_text(yaml.safe_dump(read), encoding="utf-8")
