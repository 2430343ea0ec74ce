"""Every query of the dashboards, run against a real Prometheus that scraped a real run: each gives data."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploy.grafana.answers import options, series
from tests.deploy.grafana.asked import Asked, everything_asked
from tests.deploy.grafana.run import PARTITIONS, scraped_run
from tests.deploy.grafana.table import FILE, render, written_counts
from tests.deploy.grafana.without_data import WITHOUT_DATA
from tests.services.kafka import Kafka
from tests.services.prometheus import Prometheus
from tests.services.redis import RedisServer

ASKED = everything_asked()


@pytest.fixture(scope="module")
def prometheus(kafka: Kafka, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """One run for all tests here."""
    with RedisServer() as redis_server, scraped_run(kafka, redis_server, tmp_path_factory.mktemp("run")) as seen:
        yield seen


def test_the_variables_offer_the_scorers_and_partitions_of_the_run(prometheus: Prometheus) -> None:
    """Two scorers, and every partition once."""
    offered = options(prometheus)
    assert len(offered["instance"]) == 2
    assert offered["partition"] == [str(number) for number in range(PARTITIONS)]


def test_every_query_gives_data_but_those_whose_reason_is_told(prometheus: Prometheus) -> None:
    """With all scorers and partitions chosen. A listed query that gives data has to leave the list."""
    empty = {asked.place for asked in ASKED if not series(prometheus, asked, {"instance": [], "partition": []})}
    assert empty == WITHOUT_DATA.keys()


def test_every_query_gives_data_for_chosen_scorers_and_partitions(prometheus: Prometheus) -> None:
    """What all together give, each scorer alone or some partitions give a part of; no choice makes a query invalid."""
    offered = options(prometheus)
    some = offered["partition"][:3]
    for asked in ASKED:
        both = series(prometheus, asked, {"instance": offered["instance"], "partition": offered["partition"]})
        alone = [series(prometheus, asked, {"instance": [one], "partition": some}) for one in offered["instance"]]
        assert (both == 0) == (asked.place in WITHOUT_DATA), asked.place
        assert any(alone) or not both or "instance" not in asked.expression, asked.place


def test_the_hottest_rooms_are_the_same_in_every_column(prometheus: Prometheus) -> None:
    """At most K rows over both scorers, joined by the room's name."""


def test_the_page_lists_what_the_dashboards_ask() -> None:
    """Every query with at least one series, or with the reason why not. Otherwise: `python -m tests.deploy.grafana`."""
    counts = written_counts()
    assert {place for place, count in counts.items() if not count} == WITHOUT_DATA.keys()
    assert FILE.read_text(encoding="utf-8") == render(counts)
