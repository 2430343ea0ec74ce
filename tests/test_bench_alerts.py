"""`python -m bench.alerts`: how labelled series are scored."""

from __future__ import annotations

import json

import numpy as np
import pytest

from bench import alerts
from bench.alerts_delay import f1, one_threshold, own_thresholds, tally
from bench.alerts_series import Setting, behind_bar, smoothed, smoothed_counts, spikes
from roompulse.rules import Rules


def test_a_segment_counts_as_found_only_within_seven_minutes() -> None:
    """An alarm in minute 7 of a segment finds all of it, one in minute 8 nothing."""
    label = np.zeros(40, np.bool_)
    label[10:30] = True
    for delay, found in ((7, 20), (8, 0)):
        score = np.zeros(40)
        score[10 + delay], score[35] = 1.0, 1.0
        assert f1([tally(score, label)], [0.5]) == pytest.approx(2 * found / (found + 1 + 20))


def test_thresholds_are_the_best_on_what_they_are_chosen_on() -> None:
    """One for each is at least as good as one for all; here it separates what one cannot."""
    label = np.array([False, False, True, False])
    parts = [tally(np.array([0.0, 1.0, 2.0, 0.0]), label), tally(np.array([0.0, 5.0, 9.0, 3.0]), label)]
    assert f1(parts, own_thresholds(parts)) == 1.0
    assert f1(parts, one_threshold(parts)) == pytest.approx(2 * 2 / (2 + 2 + 2))


def test_an_alert_raises_the_bar_and_it_fades() -> None:
    """What follows an alert at once has to be that much more; later it does not."""
    found = behind_bar(np.full((200, 1), 3.0), Setting(2.5, 2.0, 20.0))[:, 0]
    assert found[0] == 3.0
    assert found[1] == pytest.approx(3.0 - 2.0 * np.exp(-1 / 20))
    assert np.flatnonzero(found > 2.5)[1] > 20


def test_the_smoothed_expectation_knows_only_the_past() -> None:
    """A tick's own value and later ones do not change what was expected of it."""
    value = np.random.default_rng(1).poisson(50.0, (60, 2)).astype(np.float64)
    other = value.copy()
    other[30:] = 1e6
    for follow in (smoothed, smoothed_counts):
        assert np.array_equal(follow(value)[:31], follow(other)[:31], equal_nan=True)


def test_a_surge_and_a_slump_are_spikes_and_a_gap_is_not() -> None:
    """By the rooms' own evidence, of one minute far out; minutes that are missing teach nothing."""
    calm = np.random.default_rng(2).poisson(100.0, (300, 3)).astype(np.float64)
    value = calm.copy()
    value[200] = 300.0, 20.0, np.nan
    found = spikes(value, smoothed_counts(value), Rules())
    assert (found[200, :2] > 4).all()
    assert found[200, 2] < 1
    assert np.mean(found[50:200] > 3) < 0.01


def test_the_last_line_is_one_json_object(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of all parts asked for."""
    monkeypatch.setattr(alerts, "PARTS", {"one": lambda **_: {"a": 1.0}, "two": lambda **_: {"b": [2]}})
    assert alerts.main(["--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"a": 1.0, "b": [2]}
