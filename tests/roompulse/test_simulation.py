"""Simulated rooms: the same for the same seed, with labels that can be trusted."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from roompulse.errors import UsageError
from roompulse.history import encode_row
from roompulse.minutes import QUIET_MINUTES
from roompulse.records import decode_minute
from roompulse.simulation import Delivery, Label, SimulationSettings, room_name, simulate, simulate_counts

BUSY = SimulationSettings(
    rooms=60, minutes=240, seed=3, surges_per_room_hour=0.5, slumps_per_room_hour=0.3, late_rate=0.02,
    duplicate_rate=0.02, missing_rate=0.01, null_rate=0.01,
)  # fmt: skip
NUMBERS = {room_name(room): room for room in range(BUSY.rooms)}


@pytest.fixture(scope="module")
def deliveries() -> list[Delivery]:
    """Four hours of sixty eventful rooms."""
    return list(simulate(BUSY))


def test_the_same_seed_gives_the_same_bytes(deliveries: list[Delivery]) -> None:
    """Rows, their order and labels repeat; another seed gives others."""
    again = list(simulate(BUSY))
    assert [d.labels for d in again] == [d.labels for d in deliveries]
    assert [encode_row(r) for d in again for r in d.rows] == [encode_row(r) for d in deliveries for r in d.rows]
    other = simulate_counts(SimulationSettings(rooms=60, minutes=10, seed=4))
    assert not np.array_equal(other, simulate_counts(BUSY)[:, :10], equal_nan=True)


def test_the_array_holds_what_is_delivered(deliveries: list[Delivery]) -> None:
    """The fast form for training and the records for the topic are one simulation."""
    found = np.full((BUSY.rooms, BUSY.minutes or 0), np.nan)
    for delivery in deliveries:
        for minute, record in delivery.rows:
            value = record.metrics.watch_ucnt
            place = NUMBERS[record.room_id], minute.epoch - BUSY.start.epoch
            found[place] = np.nan if value is None else value
    assert np.array_equal(found, simulate_counts(BUSY), equal_nan=True)


def test_every_record_is_accepted_and_its_channels_add_up(deliveries: list[Delivery]) -> None:
    """People who entered came through some channel, natural or paid."""
    nulls = 0
    for row in (row for delivery in deliveries for row in delivery.rows):
        record = decode_minute(encode_row(row)[1])
        if record.metrics.watch_ucnt is None:
            nulls += 1
            continue
        natural, paid = dict(record.natural), dict(record.paid)
        totals = natural.pop("全部自然流量"), paid.pop("全部付费流量")
        assert totals == (sum(natural.values()), sum(paid.values()))
        assert sum(totals) == record.metrics.watch_ucnt
    assert nulls


def test_some_records_are_late_some_come_twice_and_some_never(deliveries: list[Delivery]) -> None:
    """Late ones come behind the others of their minute; a second one has the same bytes."""
    seen: dict[tuple[str, int], bytes] = {}
    late = double = 0
    for delivery in deliveries:
        ages = [delivery.minute.epoch - row.minute.epoch for row in delivery.rows]
        assert all(0 <= age <= 8 for age in ages)
        late += sum(age > 0 for age in ages)
        for row in delivery.rows:
            key = (row.record.room_id, row.minute.epoch)
            value = encode_row(row)[1]
            double += seen.setdefault(key, value) is not value
            assert seen[key] == value
    assert late > 20
    assert double > 20
    steady = SimulationSettings(rooms=20, minutes=60, continuous=True, missing_rate=0, null_rate=0)
    assert not np.isnan(simulate_counts(steady)).any()


def test_sessions_end_with_a_record_or_in_silence(deliveries: list[Delivery]) -> None:
    """After an `ended` record a room is silent for longer than a session's quiet time."""
    last: dict[str, int] = {}
    ended: dict[str, int] = {}
    sessions_after = 0
    for row in sorted((r for d in deliveries for r in d.rows), key=lambda r: r.minute.epoch):
        name, epoch = row.record.room_id, row.minute.epoch
        if name in ended and epoch != ended[name]:
            assert epoch - ended.pop(name) > QUIET_MINUTES
            sessions_after += 1
        if row.record.ended:
            ended[name] = epoch
        last[name] = epoch
    assert len(ended) + sessions_after > 20


def test_labels_start_in_settled_sessions_and_keep_apart(deliveries: list[Delivery]) -> None:
    """At least 20 minutes into a session, complete, and never two at once in a room."""
    labels = [label for delivery in deliveries for label in delivery.labels]
    assert {label.kind for label in labels} == {"surge", "slump"}
    live = ~np.isnan(simulate_counts(replace(BUSY, missing_rate=0, null_rate=0)))
    by_room: dict[int, list[Label]] = {}
    for label in labels:
        low, high = (2, 5) if label.kind == "surge" else (0.1, 0.5)
        assert low <= label.magnitude <= high
        assert 4 <= label.last_minute - label.first_minute + 1 <= 20
        start = label.first_minute - BUSY.start.epoch
        assert live[label.room, start - 20 : label.last_minute - BUSY.start.epoch + 1].all()
        by_room.setdefault(label.room, []).append(label)
    for of_room in by_room.values():
        assert all(first.last_minute < second.first_minute for first, second in pairwise(of_room))


def test_a_surge_is_as_high_as_its_label_says() -> None:
    """Over many labels, traffic at the height against the minutes before it shows the magnitude."""
    settings = SimulationSettings(
        rooms=400, minutes=120, seed=5, continuous=True, surges_per_room_hour=1, slumps_per_room_hour=0.5,
        typical_size=300, longest_ramp_minutes=0, missing_rate=0, null_rate=0,
    )  # fmt: skip
    counts = simulate_counts(settings)
    ratios: dict[str, list[float]] = {"surge": [], "slump": []}
    for label in (label for delivery in simulate(settings) for label in delivery.labels):
        first, last = (epoch - settings.start.epoch for epoch in (label.first_minute, label.last_minute))
        before = counts[label.room, first - 10 : first].mean()
        if before > 20:
            ratios[label.kind].append(counts[label.room, first : last + 1].mean() / before / label.magnitude)
    for found in ratios.values():
        assert len(found) > 100
        assert 0.9 < np.median(found) < 1.1


def test_rooms_differ_by_orders_of_magnitude_and_counts_are_over_dispersed() -> None:
    """As in the real histories: a few giants, many small rooms, and more noise than Poisson's."""
    counts = simulate_counts(SimulationSettings(rooms=2000, minutes=60, continuous=True))
    sizes = np.nanmean(counts, axis=1)
    assert np.quantile(sizes, 0.99) / np.quantile(sizes, 0.01) > 300
    assert sizes.max() < 20_000
    large = counts[(sizes > 50) & (sizes < 500)]
    jumps = np.diff(large, axis=1)
    assert np.nanmedian(np.nanvar(jumps, axis=1) / 2 / np.nanmean(large, axis=1)) > 1.5


@pytest.mark.parametrize(
    "wrong",
    [
        {"rooms": 0},
        {"minutes": 0},
        {"seed": -1},
        {"late_rate": 1.5},
        {"surges_per_room_hour": -1},
        {"burstiness": float("nan")},
        {"burstiness": 11.0},
        {"longest_ramp_minutes": 10**20},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong: dict[str, float]) -> None:
    """Wrong usage, said at once."""
    with pytest.raises(UsageError):
        SimulationSettings(**wrong)  # type: ignore[arg-type]
