"""Every query of the dashboards, run against a real Prometheus that scraped a real run: each gives data."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from deploy.grafana.hottest import K
from tests.deploy.grafana.answers import ALL, options, series
from tests.deploy.grafana.asked import everything_asked, filled
from tests.deploy.grafana.run import PARTITIONS, scraped_run
from tests.deploy.grafana.table import FILE, render, written_counts
from tests.deploy.grafana.without_data import WITHOUT_DATA
from tests.services.kafka import Kafka
from tests.services.prometheus import Prometheus
from tests.services.redis import RedisServer

pytestmark = pytest.mark.timeout(300)

ASKED = everything_asked()
NOT_SHOWN = {
    "roompulse_alerts_per_room_day": "the panels count over the chosen time range, not since the scorer's start",
    "roompulse_contest_judged_total": "the ratio of the two errors says it all",
    "roompulse_hot_room_rank": "it ranks the rooms of one scorer; the table ranks those of all",
}
"""Metrics that no panel shows."""


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
    empty = {asked.place for asked in ASKED if not series(prometheus, asked)}
    assert empty == WITHOUT_DATA.keys()


def test_every_query_gives_data_for_chosen_scorers_and_partitions(prometheus: Prometheus) -> None:
    """Both scorers by name give what all give; one of them, with three partitions, gives data if all do."""
    offered = options(prometheus)
    for asked in ASKED:
        both = series(prometheus, asked, **offered)
        alone = [
            series(prometheus, asked, instance=[scorer], partition=offered["partition"][:3])
            for scorer in offered["instance"]
        ]
        assert (both == 0) == (asked.place in WITHOUT_DATA), asked.place
        assert any(alone) or not both, asked.place


def test_everything_that_is_exported_is_shown(prometheus: Prometheus) -> None:
    """Or it stands in NOT_SHOWN, with the reason."""
    names: list[str] = prometheus.api("label/__name__/values")
    exported = {
        re.sub("_(bucket|sum|count)$", "", name) for name in names if re.match("roompulse_.*(?<!_created)$", name)
    }
    asked = " ".join(one.expression for one in ASKED)
    assert {name for name in exported if name not in asked} == NOT_SHOWN.keys()


def test_the_table_of_the_hottest_rooms_has_the_same_rooms_in_every_column(prometheus: Prometheus) -> None:
    """At most K rooms of both scorers, those with the largest excess, each with what was expected of it."""
    columns = [
        {row["metric"]["room"]: float(row["value"][1]) for row in prometheus.query(filled(asked.expression, ALL))}
        for asked in ASKED
        if asked.name == "Hottest rooms"
    ]
    actual, expected, excess, deviation = columns
    assert 1 <= len(excess) <= K
    assert actual.keys() == expected.keys() == excess.keys() >= deviation.keys()
    assert min(excess.values()) > 0
    assert all(excess[room] == pytest.approx(actual[room] - expected[room]) for room in excess)
    told = prometheus.query("roompulse_hot_room_actual - on (room, instance) roompulse_hot_room_expected")
    assert len({row["metric"]["instance"] for row in told}) == 2
    assert sorted(excess.values()) == pytest.approx(sorted(float(row["value"][1]) for row in told)[-K:])


def test_the_page_lists_what_the_dashboards_ask() -> None:
    """Every query with at least one series, or with the reason why not. Otherwise: `python -m tests.deploy.grafana`."""
    counts = written_counts()
    assert {place for place, count in counts.items() if not count} == WITHOUT_DATA.keys()
    assert FILE.read_text(encoding="utf-8") == render(counts)
