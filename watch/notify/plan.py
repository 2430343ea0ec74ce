"""What Alertmanager should show, what it shows, and what has to be posted now. Pure: records and the time in.

- An alert whose newest minute is older than `max_age_s` is not begun with: a replay of old data, and what is found
  after a long absence, must not page. What Alertmanager shows already is held up however long it stays open.
- Each post says that the alert ends by itself after `AHEAD` repetitions: if this process is gone for good, nothing
  stays open for ever; if it is gone for a moment, nothing flickers.
- Of what opened and ended while nothing could be posted, nothing is posted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from watch.notify.posting import Labels, Posting, annotations_of, labels_of
from watch.notify.records import Told

AHEAD = 4
"""As Prometheus itself does: three posts in a row may fail."""

STALE_S = 2 * 3600.0
"""An open alert of which nothing was told for so long has lost its scorer: usually one ends within half an hour."""

OLD, STALE, OVER = DROPS = "old", "stale", "over"
"""Why something was dropped: too old to begin with; open for too long; over before it could be posted."""


@dataclass(frozen=True, slots=True)
class Due:
    """What has to be posted of one alert, in one request. Ends of other label sets come first."""

    alert_id: str
    postings: tuple[Posting, ...]


@dataclass(slots=True)
class _Item:
    """One alert: its newest record (None: only Alertmanager knows it) and the label sets that Alertmanager shows.

    `changed` says that an opening or update waits to be posted, `due_s` when the next repetition is due, `taken_s` when
    the newest record was taken in.
    """

    partition: int
    told: Told | None = None
    shown: dict[Labels, Posting] = field(default_factory=dict)
    changed: bool = False
    due_s: float = 0.0
    taken_s: float = 0.0

    @property
    def over(self) -> bool:
        return self.told is None or self.told.ended


class Plan:
    """Alerts by id. Times are of the wall clock, in seconds since 1970."""

    def __init__(self, topic_prefix: str, max_age_s: float, repeat_s: float) -> None:
        self._prefix, self._max_age_s, self._repeat_s = topic_prefix, max_age_s, repeat_s
        self._items: dict[str, _Item] = {}
        self.dropped: Counter[str] = Counter()
        """By reason, since it was last emptied."""

    @property
    def open_alerts(self) -> int:
        """How many open alerts are shown by now."""
        return sum(bool(item.shown) and not item.over for item in self._items.values())

    def take(self, told: Told, now: float) -> None:
        """Take the next record of its alert in."""
        item = self._items.setdefault(told.alert_id, _Item(told.partition))
        item.told, item.taken_s = told, now
        # An end leaves this as it is: it tells whether the alert itself was ever dealt with.
        item.changed = item.changed or not told.ended

    def found(self, postings: Iterable[Posting], partitions: frozenset[int]) -> None:
        """Take over what Alertmanager shows of these partitions from whoever posted it: to hold it up, or to end it."""
        for posting in postings:
            labels = dict(posting.labels)
            partition = labels.get("partition", "")
            mine = labels.get("topic_prefix", "") == self._prefix
            if mine and partition.isascii() and partition.isdigit() and int(partition) in partitions:
                item = self._items.setdefault(labels.get("alert_id", ""), _Item(int(partition)))
                item.shown[posting.labels] = posting

    def forget(self, partitions: frozenset[int]) -> None:
        """Another process has these partitions now."""
        self._items = {key: item for key, item in self._items.items() if item.partition not in partitions}

    def prune(self, now: float) -> None:
        """Forget what ended so long ago that Alertmanager has ended it by itself: it may be away for days."""
        for key, item in list(self._items.items()):
            if item.over and now - item.taken_s > AHEAD * self._repeat_s:
                self.dropped[OVER] += item.changed and not item.shown
                del self._items[key]

    def due(self, now: float) -> list[Due]:
        """What has to be posted: fleet events first, for they inhibit the others."""
        found: list[tuple[bool, Due]] = []
        for key, item in list(self._items.items()):
            if item.over and not item.shown:
                self.dropped[OVER] += item.changed
                del self._items[key]
            elif (postings := self._postings(item, now)) is not None:
                found.append((item.told is None or not item.told.is_fleet, Due(key, postings)))
        return [due for _, due in sorted(found, key=lambda pair: pair[0])]

    def accepted(self, due: Due, now: float) -> None:
        """Note that Alertmanager has taken it."""
        item = self._items[due.alert_id]
        for posting in due.postings:
            if posting.ends_s > now:
                item.shown[posting.labels] = posting
            else:
                item.shown.pop(posting.labels, None)
        item.changed, item.due_s = False, now + self._repeat_s
        if item.over:
            del self._items[due.alert_id]

    def _postings(self, item: _Item, now: float) -> tuple[Posting, ...] | None:
        told = item.told
        if told is None:
            return tuple(_ended(posting, posting.annotations, now, now) for posting in item.shown.values())
        if told.ended:
            about = annotations_of(told)
            return tuple(_ended(posting, about, told.minute_s, now) for posting in item.shown.values())
        age = now - told.minute_s
        if item.shown and age > max(STALE_S, self._max_age_s):
            self.dropped[STALE] += 1
            item.shown.clear()
            item.changed = False
        elif not item.shown and age > self._max_age_s:
            self.dropped[OLD] += item.changed
            item.changed = False
        elif item.changed or now >= item.due_s:
            labels = labels_of(told, self._prefix)
            before = item.shown.get(labels)
            starts = min(told.opened_s if before is None else before.starts_s, now)
            ends = [
                _ended(posting, {**posting.annotations, "reason": "its severity changed"}, now, now)
                for posting in item.shown.values()
                if posting.labels != labels
            ]
            return *ends, Posting(labels, annotations_of(told), starts, now + AHEAD * self._repeat_s)
        return None


def _ended(posting: Posting, annotations: Mapping[str, str], ended_s: float, now: float) -> Posting:
    """The same alert, over: not in the future, or it would still fire; not before its beginning, or it is refused."""
    starts = min(posting.starts_s, now)
    return Posting(posting.labels, annotations, starts, min(now, max(starts, ended_s)))
