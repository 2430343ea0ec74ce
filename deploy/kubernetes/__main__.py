"""Writes prometheus-rule.yaml from the rules that Prometheus itself reads, after a change of these.

python -m deploy.kubernetes
"""

from __future__ import annotations

from deploy.kubernetes.prometheus_rule import FILE, text

if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
