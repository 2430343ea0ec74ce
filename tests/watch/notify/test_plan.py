"""What is posted to Alertmanager, given records and the time."""

from __future__ import annotations

import pytest

from tests.watch.notify.records import NOW_S, alert_of, as_dict, fleet_of, told
from watch.notify.plan import AHEAD, STALE_S, Due, Plan
from watch.notify.posting import Posting, labels_of
from watch.notify.records import Told

REPEAT_S = 60.0
EVERY = frozenset(range(4))


@pytest.fixture
def plan() -> Plan:
    """A plan without a prefix that drops what is older than 15 minutes."""
    return Plan("", 900.0, REPEAT_S)


def take(plan: Plan, record: Told) -> None:
    """Take a record in at the end of its minute."""
    plan.take(record, record.minute_s + 60)


def post(plan: Plan, now: float) -> list[Due]:
    """Post what is due; returns it."""
    found = plan.due(now)
    for due in found:
        plan.accepted(due, now)
    return found


def states(found: list[Due], now: float) -> list[tuple[str, str, bool]]:
    """Name or room, severity, and whether it fires, of each posting."""
    rows = []
    for due in found:
        for posting in due.postings:
            labels = as_dict(posting.labels)
            rows.append((labels.get("room_id", labels["alertname"]), labels["severity"], posting.ends_s > now))
    return rows


def test_an_open_alert_is_posted_at_once_and_again_in_time(plan: Plan) -> None:
    """It starts when it opened, and would end by itself after four repetitions without us."""
    take(plan, told(alert_of("a")))
    (due,) = post(plan, NOW_S + 70)
    (posting,) = due.postings
    assert posting.labels == labels_of(told(alert_of("a")), "")
    assert (posting.starts_s, posting.ends_s) == (NOW_S, NOW_S + 70 + AHEAD * REPEAT_S)
    assert post(plan, NOW_S + 70 + REPEAT_S - 1) == []
    (again,) = post(plan, NOW_S + 70 + REPEAT_S)
    assert again.postings[0].ends_s == NOW_S + 70 + 5 * REPEAT_S
    assert again.postings[0].labels == posting.labels
    assert plan.open_alerts == 1


def test_an_update_is_posted_at_once_under_the_same_labels(plan: Plan) -> None:
    """Only annotations change with the numbers."""
    take(plan, told(alert_of("a")))
    (first,) = post(plan, NOW_S + 60)
    take(plan, told(alert_of("a", "update", minute_s=NOW_S + 300, actual=900)))
    (second,) = post(plan, NOW_S + 61)
    assert second.postings[0].labels == first.postings[0].labels
    assert second.postings[0].annotations["actual"] == "900"
    assert second.postings[0].starts_s == first.postings[0].starts_s


def test_a_growing_severity_ends_the_lesser_alert_in_the_same_request(plan: Plan) -> None:
    """At no moment are there two, or none; the end of the whole is one posting again."""
    take(plan, told(alert_of("a", severity="info")))
    post(plan, NOW_S + 60)
    take(plan, told(alert_of("a", "update", severity="critical")))
    (due,) = post(plan, NOW_S + 61)
    assert states([due], NOW_S + 61) == [("a", "info", False), ("a", "critical", True)]
    assert plan.open_alerts == 1
    take(plan, told(alert_of("a", "resolve", severity="critical")))
    assert states(post(plan, NOW_S + 62), NOW_S + 62) == [("a", "critical", False)]
    assert post(plan, NOW_S + 1000) == []


def test_what_was_taken_without_an_answer_is_ended_too(plan: Plan) -> None:
    """After a failure Alertmanager is asked what it shows: an opening or a growth may have arrived after all."""
    take(plan, told(alert_of("grows")))
    post(plan, NOW_S + 60)
    take(plan, told(alert_of("grows", "update", severity="critical")))
    take(plan, told(alert_of("opens")))
    arrived = [posting for due in plan.due(NOW_S + 61) for posting in due.postings if posting.ends_s > NOW_S + 61]
    take(plan, told(alert_of("grows", "resolve", severity="critical")))
    take(plan, told(alert_of("opens", "resolve")))
    plan.found(arrived, EVERY)
    assert sorted(states(post(plan, NOW_S + 90), NOW_S + 90)) == [
        ("grows", "critical", False), ("grows", "warning", False), ("opens", "warning", False),
    ]  # fmt: skip
    assert +plan.dropped == {}


@pytest.mark.parametrize("event", ["resolve", "retract"])
def test_an_end_is_posted_until_it_is_accepted(plan: Plan, event: str) -> None:
    """With the minute of its record and the reason, however late, and then never again."""
    take(plan, told(alert_of("a")))
    post(plan, NOW_S + 60)
    take(plan, told(alert_of("a", event, minute_s=NOW_S + 240)))
    for now in (NOW_S + 300, NOW_S + 30_000):
        (due,) = plan.due(now)
        assert due.postings[0].ends_s == NOW_S + 240
        assert due.postings[0].annotations["reason"] == {"resolve": "recovered", "retract": "retracted"}[event]
    plan.accepted(due, now)
    assert plan.due(now + 1) == []
    assert plan.open_alerts == 0


def test_what_opened_and_ended_before_it_could_be_posted_is_not_posted(plan: Plan) -> None:
    """It is counted, once."""
    take(plan, told(alert_of("a")))
    take(plan, told(alert_of("a", "resolve")))
    take(plan, told(alert_of("end only", "resolve")))
    assert post(plan, NOW_S + 60) == post(plan, NOW_S + 61) == []
    assert +plan.dropped == {"over": 1}


def test_what_is_too_old_is_not_begun_with_and_counted_once(plan: Plan) -> None:
    """By its newest minute: an update makes it young again."""
    take(plan, told(alert_of("a")))
    assert post(plan, NOW_S + 901) == post(plan, NOW_S + 902) == []
    assert +plan.dropped == {"old": 1}
    take(plan, told(alert_of("a", "update", minute_s=NOW_S + 900)))
    assert states(post(plan, NOW_S + 960), NOW_S + 960) == [("a", "warning", True)]


def test_what_is_shown_is_held_up_until_nothing_can_be_known_of_it(plan: Plan) -> None:
    """An alert may stay open for longer than `--max-age` without news; not for hours."""
    take(plan, told(alert_of("a")))
    post(plan, NOW_S + 60)
    assert len(post(plan, NOW_S + 1800)) == 1
    assert post(plan, NOW_S + STALE_S + 1) == post(plan, NOW_S + STALE_S + 100) == []
    assert +plan.dropped == {"stale": 1}
    assert plan.open_alerts == 0


def test_a_new_process_goes_on_with_what_is_shown(plan: Plan) -> None:
    """Old but shown and open: held up. Shown and over, or unknown: ended. Of others: left alone."""
    before = Plan("", 900.0, REPEAT_S)
    for room in ("open", "grown", "unknown"):
        take(before, told(alert_of(room)))
    take(before, told(alert_of("over")))
    take(before, told(alert_of("elsewhere"), partition=9))
    shown = [posting for due in before.due(NOW_S + 60) for posting in due.postings]
    foreign = Posting(frozenset({"source": "roompulse", "partition": "x"}.items()), {}, NOW_S, NOW_S + 90)
    prefixed = Posting(labels_of(told(alert_of("staging")), "staging."), {}, NOW_S, NOW_S + 90)

    now = NOW_S + 1800
    take(plan, told(alert_of("open")))
    take(plan, told(alert_of("grown", "update", severity="critical")))
    take(plan, told(alert_of("over", "resolve")))
    plan.found([*shown, foreign, prefixed], EVERY)
    assert sorted(states(post(plan, now), now)) == [
        ("grown", "critical", True), ("grown", "warning", False), ("open", "warning", True),
        ("over", "warning", False), ("unknown", "warning", False),
    ]  # fmt: skip
    assert +plan.dropped == {}


def test_a_lost_partition_is_forgotten(plan: Plan) -> None:
    """Another process posts its alerts now, and ends them."""
    take(plan, told(alert_of("mine"), partition=0))
    take(plan, told(alert_of("theirs"), partition=1))
    plan.forget(frozenset({1}))
    assert states(post(plan, NOW_S + 60), NOW_S + 60) == [("mine", "warning", True)]


def test_fleet_events_go_first(plan: Plan) -> None:
    """They have to be there before what they inhibit."""
    take(plan, told(alert_of("a", kind="slump")))
    take(plan, told(fleet_of()))
    assert [name for name, _, _ in states(post(plan, NOW_S + 60), NOW_S + 60)] == ["FleetMove", "a"]


def test_times_are_such_that_alertmanager_takes_them(plan: Plan) -> None:
    """A replay may be ahead of the wall clock: nothing starts in the future, and nothing ends before it starts."""
    take(plan, told(alert_of("ahead", opened_s=NOW_S + 7200)))
    ((posting,),) = (due.postings for due in post(plan, NOW_S))
    assert posting.starts_s == NOW_S < posting.ends_s
    take(plan, told(alert_of("ahead", "resolve", opened_s=NOW_S + 7200)))
    ((posting,),) = (due.postings for due in post(plan, NOW_S + 1))
    assert posting.starts_s <= posting.ends_s <= NOW_S + 1


def test_an_alertmanager_that_is_away_for_days_costs_no_memory(plan: Plan) -> None:
    """What ended more than four repetitions ago has ended there as well; what is open is kept."""
    for room in ("shown", "open", "never"):
        take(plan, told(alert_of(room)))
        if room != "never":
            post(plan, NOW_S + 60)
    for room in ("shown", "never"):
        plan.take(told(alert_of(room, "resolve")), NOW_S + 100)
    plan.prune(NOW_S + 100 + AHEAD * REPEAT_S)
    assert len(plan.due(NOW_S + 100 + AHEAD * REPEAT_S)) == 2
    plan.prune(NOW_S + 101 + AHEAD * REPEAT_S)
    assert states(post(plan, NOW_S + 400), NOW_S + 400) == [("open", "warning", True)]
    assert +plan.dropped == {"over": 1}
