"""Both targets' loops, over a list in place of Kafka and targets that answer as they are told."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import pytest

from roompulse.errors import BrokerError
from roompulse.topics import Topics
from tests.watch.notify.records import alert_of, as_dict, this_minute, told
from watch.notify import reading, to_alertmanager
from watch.notify.group_feed import Read
from watch.notify.http_target import Answer, TargetAway
from watch.notify.metrics import NotifyMetrics
from watch.notify.plan import Plan
from watch.notify.posting import Posting
from watch.notify.records import Told
from watch.notify.to_alertmanager import MOST_AT_ONCE, ToAlertmanager
from watch.notify.to_webhook import ToWebhook
from watch.notify.watchdog import MATCHER, Watchdog

OK = Answer(200, b"")


class ListFeed:
    """Gives polls as they are listed, errors raised; counts commits of everything given so far."""

    def __init__(self, *polls: Read | BrokerError) -> None:
        self.polls: list[Read | BrokerError] = [Read([], taken=frozenset({0})), *polls]
        self.is_behind = False
        self.lag_error: BrokerError | None = None
        self.paused = False
        self.given = self.committed = 0

    def poll(self, max_wait_s: float) -> Read:
        """The next poll; nothing while paused."""
        if not self.polls or self.paused:
            return Read([])
        found = self.polls.pop(0)
        if isinstance(found, BrokerError):
            raise found
        self.given += len(found.told)
        return found

    def behind(self) -> bool:
        return self.is_behind

    def commit(self) -> None:
        self.committed = self.given

    def lag(self) -> int:
        if self.lag_error is not None:
            raise self.lag_error
        return self.given - self.committed

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def close(self) -> None:
        """Nothing to let go of."""


class FakeTarget:
    """Alertmanager or webhook: gives the listed answers first, then accepts; notes what it was given."""

    def __init__(self, *answers: Answer | TargetAway) -> None:
        self.answers = list(answers)
        self.posts: list[list[str]] = []
        self.holds: list[Posting] = []
        self.asked: list[str] = []

    def shown(self, matcher: str = "ours") -> list[Posting]:
        self.asked.append(matcher)
        return self.holds

    def close(self) -> None:
        """Nothing to let go of."""

    def answer(self, *names: str) -> Answer:
        """Note a post and answer it."""
        self.posts.append(list(names))
        found = self.answers.pop(0) if self.answers else OK
        if isinstance(found, TargetAway):
            raise found
        return found


class FakeAlertmanager(FakeTarget):
    """Refuses any request that has a room of this name in it."""

    refused = ""

    def post(self, postings: Sequence[Posting]) -> Answer:
        """Note rooms, or names of alerts without one."""
        names = [as_dict(posting.labels) for posting in postings]
        rooms = [labels.get("room_id", labels["alertname"]) for labels in names]
        answer = self.answer(*rooms)
        return Answer(400, b"bad") if self.refused in rooms else answer


class FakeWebhook(FakeTarget):
    """Takes events."""

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Note which alert's event it is."""
        return self.answer(headers["webhook-id"].split(":")[1])


def opened(*rooms: str) -> list[Told]:
    """Alerts of this minute."""
    return [told(alert_of(room, opened_s=this_minute())) for room in rooms]


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time to gather; the backoff's waits are over at once."""
    monkeypatch.setattr(to_alertmanager, "GATHER_S", 0.0)
    monkeypatch.setattr("watch.notify.backoff.FIRST_S", 0.0)
    monkeypatch.setattr(reading, "LAG_S", 0.0)


def to_am(feed: ListFeed, target: FakeTarget, watchdog: Watchdog | None = None) -> ToAlertmanager:
    """The loop, after it has taken partition 0 over and posted nothing to show that the way is open."""
    loop = ToAlertmanager(feed, target, Plan("", 900, 60), NotifyMetrics(["alertmanager"]), watchdog)  # type: ignore[arg-type]
    loop.turn(0)
    target.posts.clear()
    return loop


def test_an_idle_loop_shows_that_the_way_is_open() -> None:
    """An empty post, accepted: who watches the metrics knows that an alert would arrive."""
    target = FakeAlertmanager()
    ToAlertmanager(ListFeed(), target, Plan("", 900, 60), NotifyMetrics([])).turn(0)
    assert (target.posts, target.asked) == ([[]], ["ours"])


def test_requests_are_bounded() -> None:
    """A storm comes in several, and is committed after the last."""
    feed, target = ListFeed(Read(opened(*(f"{n}" for n in range(150))))), FakeAlertmanager()
    to_am(feed, target).turn(0)
    assert [len(post) for post in target.posts] == [MOST_AT_ONCE, MOST_AT_ONCE, 150 - 2 * MOST_AT_ONCE]
    assert feed.committed == 150


def test_a_refused_alert_does_not_take_others_with_it() -> None:
    """Each is posted alone then; what is refused is logged, counted, and not tried for ever."""
    feed, target = ListFeed(Read(opened("a", "bad", "b"))), FakeAlertmanager()
    target.refused = "bad"
    loop = to_am(feed, target)
    loop.turn(0)
    assert target.posts == [["a", "bad", "b"], ["a"], ["bad"], ["b"]]
    loop.turn(0)
    assert len(target.posts) == 4
    assert feed.committed == 3


@pytest.mark.parametrize("trouble", [Answer(503, b""), Answer(404, b""), TargetAway("refused")])
def test_nothing_is_committed_before_alertmanager_has_taken_it(trouble: Answer | TargetAway) -> None:
    """What it shows is asked for anew after a failure, for it may have taken what it did not answer."""
    feed, target = ListFeed(Read(opened("a"))), FakeAlertmanager()
    loop = to_am(feed, target)
    target.answers = [trouble]
    loop.turn(0)
    assert feed.committed == 0
    assert loop.standing.not_ready().startswith("alertmanager: ")
    loop.turn(0)
    assert (feed.committed, target.posts, len(target.asked)) == (1, [["a"], ["a"]], 2)
    assert loop.standing.not_ready() == ""


def test_nothing_is_posted_while_what_was_read_is_older_than_the_takeover() -> None:
    """It would show what has long been over."""
    feed, target = (
        ListFeed(Read(opened("a")), Read([told(alert_of("a", "resolve", opened_s=this_minute()))])),
        FakeAlertmanager(),
    )
    loop = to_am(feed, target)
    feed.is_behind = True
    loop.turn(0)
    feed.is_behind = False
    loop.turn(0)
    assert target.posts == []
    assert feed.committed == 2


def test_a_kafka_that_is_away_stops_no_post_and_loses_no_record() -> None:
    """Neither a failed poll nor a failed look at the lag costs anything; both show."""
    feed, target = ListFeed(Read(opened("a")), BrokerError("away"), Read(opened("b"))), FakeAlertmanager()
    loop = to_am(feed, target)
    feed.lag_error = BrokerError("no answer")
    loop.turn(0)
    assert target.posts == [["a"]]
    assert "no answer" in loop.standing.not_ready()
    loop.turn(0)
    assert "away" in loop.standing.not_ready()
    feed.lag_error = None
    loop.turn(0)
    assert target.posts == [["a"], ["b"]]
    assert loop.standing.not_ready() == ""


def test_the_watchdog_looks_in_alertmanager() -> None:
    """PrometheusDown is posted beside the rooms' alerts."""
    watchdog = Watchdog()
    watchdog.look([], time.time() - 1000)
    target = FakeAlertmanager()
    ToAlertmanager(ListFeed(), target, Plan("", 900, 60), NotifyMetrics([]), watchdog).turn(0)
    assert target.posts == [["PrometheusDown"]]
    assert target.asked == ["ours", MATCHER]


def test_a_rooms_events_wait_for_the_one_that_failed() -> None:
    """Nothing is read or committed meanwhile, other rooms go on, and no event is sent twice that was taken."""
    alerts = [told(alert_of("a", event, opened_s=this_minute())) for event in ("open", "update", "resolve")]
    feed, target = ListFeed(Read(alerts), Read(opened("later"))), FakeWebhook(OK, Answer(500, b""))
    loop = ToWebhook(feed, lambda: target, b"secret", Topics(), 900, NotifyMetrics(["webhook"]))
    for _ in range(2):
        loop.turn(0)
    assert target.posts == [["open"], ["update"]]
    assert (feed.committed, feed.given) == (0, 3)
    assert "500" in loop.standing.not_ready()
    loop.turn(0)
    assert target.posts == [["open"], ["update"], ["update"], ["resolve"]]
    assert (feed.committed, feed.paused) == (3, True)
    loop.turn(0)
    assert target.posts[-1] == ["open"]
    assert feed.committed == 4
    loop.close()


def test_a_lost_partitions_events_are_left_to_their_new_owner() -> None:
    """They have not been committed, so it reads them."""
    target = FakeWebhook(TargetAway("refused"))
    feed = ListFeed(Read(opened("a")))
    loop = ToWebhook(feed, lambda: target, b"secret", Topics(), 900, NotifyMetrics(["webhook"]))
    loop.turn(0)
    loop.turn(0)
    feed.polls = [Read([], lost=frozenset({0}))]
    feed.poll = lambda max_wait_s: feed.polls.pop()  # type: ignore[method-assign,assignment,return-value]
    loop.turn(0)
    assert target.posts == [["open"]]
    assert loop.standing.not_ready() != ""
    loop.close()


def test_a_slow_webhook_does_not_keep_the_group_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A turn stops when its time is over; what is left is delivered in the next ones, in order."""
    monkeypatch.setattr("watch.notify.to_webhook.DELIVERING_S", -1.0)
    feed, target = ListFeed(Read(opened("a", "b"))), FakeWebhook()
    loop = ToWebhook(feed, lambda: target, b"secret", Topics(), 900, NotifyMetrics(["webhook"]))
    for _ in range(3):
        loop.turn(0)
    assert (target.posts, feed.committed) == ([], 0)
    monkeypatch.setattr("watch.notify.to_webhook.DELIVERING_S", 5.0)
    loop.turn(0)
    assert (len(target.posts), feed.committed) == (2, 2)
    loop.close()
