"""Writes the dashboards' JSON, which is committed beside this code.

    python -m deploy.grafana            # after a change of a panel
    python -m tests.dashboards          # then runs every query once and renews docs/dashboards.md

The second one needs a Kafka, a Redis and a Prometheus on this machine, which it starts itself.
"""

from __future__ import annotations

from deploy.grafana.files import FOLDER, texts


def main() -> None:
    """Write every dashboard, and take away files of dashboards that are no more."""
    written = texts()
    for name, text in written.items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    for path in FOLDER.glob("*.json"):
        if path.name not in written:
            path.unlink()


if __name__ == "__main__":
    main()
