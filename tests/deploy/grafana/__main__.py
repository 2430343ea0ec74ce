"""Runs every query of the dashboards once and writes docs/dashboards.md.

python -m tests.deploy.grafana
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from tests.deploy.grafana.answers import series
from tests.deploy.grafana.asked import everything_asked
from tests.deploy.grafana.run import scraped_run
from tests.deploy.grafana.table import FILE, render
from tests.services.kafka import Kafka
from tests.services.redis import RedisServer


def main() -> None:
    """Write the page."""
    with (
        tempfile.TemporaryDirectory() as folder,
        Kafka() as kafka,
        RedisServer() as redis_server,
        scraped_run(kafka, redis_server, Path(folder)) as prometheus,
    ):
        counts = {asked.place: series(prometheus, asked) for asked in everything_asked()}
    FILE.write_text(render(counts), encoding="utf-8")


if __name__ == "__main__":
    main()
