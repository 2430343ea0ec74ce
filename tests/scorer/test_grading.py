"""How alerts stand against labels: what is right, what is false, what nobody judged."""

from __future__ import annotations

from roompulse.history import HistoryRow
from roompulse.labels import Labelled, Labels
from roompulse.minutes import Minute
from roompulse.records import Alert, Metrics, RoomMinute, encode
from scorer.grading import Grading
from tests.scorer.fakes import START, text


def graded(complete: bool, labels: list[Labelled], alerts: list[bytes]) -> dict[str, object]:
    """A run that reads rooms a and b for 100 minutes."""
    grading = Grading(Labels(tuple(labels), complete))
    grading.see(
        HistoryRow(Minute(START + minute, 480), RoomMinute(room, text(minute), Metrics(1)))
        for room in "ab"
        for minute in (0, 100)
    )
    grading.take(alerts)
    return grading.summary()


def alert(room: str, kind: str, opened: int, event: str = "open") -> bytes:
    """One alert record."""
    record = Alert(
        f"{room}{kind}{opened}", event, kind, "info", room, text(opened), text(opened), 1, 1, 1, 1, 0.1, 0, [], "t", "m"
    )
    return encode(record)


def span(room: str, kind: str, first: int, last: int, real: bool = True) -> Labelled:
    return Labelled(room, kind, START + first, START + last, real)


def test_a_simulation_knows_what_is_false() -> None:
    """Found within its stretch, explained by its aftermath, false elsewhere; hotspots are no labels of a simulation."""
    found = graded(
        True,
        [span("a", "surge", 20, 30), span("a", "slump", 60, 65), span("b", "surge", 10, 12), span("c", "surge", 5, 9)],
        [
            alert("a", "surge", 22),
            alert("a", "surge", 38),
            alert("a", "surge", 60),
            alert("a", "hotspot", 25),
            alert("b", "surge", 14),
            alert("b", "slump", 11),
            alert("b", "slump", 50),
            alert("b", "slump", 50, "retract"),
        ],
    )
    assert found == {
        "labels": 3,
        "labels_outside": 1,
        "labels_real": 3,
        "labels_found": 1,
        "alerts_right": 3,
        "alerts_false": 2,
        "alerts_unjudged": 1,
        "precision": 0.6,
        "recall": 1 / 3,
        "median_delay_minutes": 2,
    }


def test_what_opens_while_all_rooms_are_moved_counts_neither_way() -> None:
    """The move names no room: it is no label to be found, and an alert in it or in its aftermath is not false."""
    found = graded(
        True,
        [span("", "fleet", 40, 50), span("a", "surge", 20, 30)],
        [alert("a", "surge", 22), alert("b", "slump", 41), alert("a", "slump", 60), alert("b", "slump", 61)],
    )
    assert (found["labels"], found["labels_outside"], found["labels_found"]) == (1, 0, 1)
    assert (found["alerts_right"], found["alerts_false"], found["alerts_unjudged"]) == (1, 1, 2)


def test_verdicts_judge_only_what_somebody_judged() -> None:
    """An alert near a judged one of its kind is that one; the others count neither way."""
    found = graded(
        False,
        [span("a", "surge", 20, 20), span("a", "surge", 60, 60, False), span("b", "hotspot", 30, 30)],
        [alert("a", "surge", 23), alert("a", "surge", 55), alert("b", "hotspot", 90), alert("a", "slump", 20)],
    )
    assert (found["alerts_right"], found["alerts_false"], found["alerts_unjudged"]) == (1, 1, 2)
    assert (found["precision"], found["recall"], found["median_delay_minutes"]) == (0.5, 0.5, 3)


def test_nothing_to_divide_by_is_none() -> None:
    """No alert, no label: no figure rather than a made-up one."""
    found = graded(False, [], [])
    assert (found["precision"], found["recall"], found["median_delay_minutes"]) == (None, None, None)
