"""Alerts and fleet events as one member of a consumer group reads them: committed records, from where it stopped.

A partition that comes to this member is taken over in this order: where the group stopped on its log is looked up, its
end as of now is noted, and then, where asked for, what is open is read from the compacted topic. Records of the log may
be older than that; until their end as of then is reached (`behind`), what is held is not to be acted on.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from kafka import ConsumerRebalanceListener, OffsetAndMetadata, TopicPartition
from kafka.coordinator.assignors.range import RangePartitionAssignor
from kafka.errors import KafkaError

from roompulse.errors import BrokerError, FencedError, RecordError
from roompulse.kafka_client import REQUEST_TIMEOUT_S, make_consumer
from roompulse.kafka_errors import broker_errors
from roompulse.settings import Settings
from roompulse.topics import Topics
from watch.notify.open_now import read_open
from watch.notify.records import Told, read_alert, read_fleet

SETTLE_S = 3.0
"""How much longer than asked for a poll may take while the group is being put together, or Kafka is away.

Not as long as other requests may take: what is open has to be posted again meanwhile.
"""

MOST_RECORDS = 2000


@dataclass(frozen=True, slots=True)
class Read:
    """What one poll gave. `unreadable` has a line for each record that RoomPulse cannot have written.

    Partitions that were lost, and those taken over, are told in polls of their own.
    """

    told: list[Told]
    unreadable: list[str] = field(default_factory=list)
    lost: frozenset[int] = frozenset()
    taken: frozenset[int] = frozenset()


class GroupFeed:
    """One member. Every method may raise BrokerError, and may be called again then."""

    def __init__(self, settings: Settings, group_id: str, lookback_s: float, *, with_open: bool) -> None:
        """Connect; the group is joined at the first poll.

        A group that is new begins `lookback_s` ago. `with_open` asks for what is open, too, at each takeover. Raises
        BrokerError within the connect timeout, or where a topic is missing.
        """
        self._settings, self._lookback_s, self._with_open = settings, lookback_s, with_open
        self._topics = Topics(settings.topic_prefix)
        self._changes = _Changes()
        self._behind: dict[TopicPartition, int] = {}
        self._committed: dict[TopicPartition, int] = {}
        self._waiting: set[TopicPartition] = set()
        # One topic's partition has to come with the other's of the same number, which is what ranges give.
        self._consumer = make_consumer(
            settings,
            group_id,
            auto_offset_reset="earliest",
            partition_assignment_strategy=[RangePartitionAssignor],
            max_poll_records=MOST_RECORDS,
        )
        try:
            self._check_topics()
        except BrokerError:
            self._consumer.close(autocommit=False)
            raise
        self._changes.consumer = self._consumer
        self._consumer.subscribe([self._topics.alerts, self._topics.fleet], listener=self._changes)

    def poll(self, max_wait_s: float) -> Read:
        """The next records; where partitions have come, first what is open in them."""
        if self._waiting:
            return self._take_over()
        with broker_errors("cannot read"):
            # A join that is answered between two polls would be thrown away, and begun anew for the whole group.
            coordinator = self._consumer._coordinator
            settled = not coordinator.need_rejoin() or (
                coordinator.poll(SETTLE_S * 1000) and not coordinator.need_rejoin()
            )
            polled = self._consumer.poll(int(max_wait_s * 1000)) if settled else {}
        lost, gained = self._changes.take()
        for place in lost:
            self._behind.pop(place, None)
            self._committed.pop(place, None)
        self._waiting = (self._waiting - lost) | gained
        read = Read([], lost=frozenset(place.partition for place in lost))
        for place, records in polled.items():
            if place in self._committed:
                self._read(place, records, read)
        return read

    def behind(self) -> bool:
        """Whether a partition has not reached the end that it had when it was taken over, or none has come yet."""
        with broker_errors("cannot read"):
            for place, end in list(self._behind.items()):
                if self._consumer.position(place) >= end:
                    del self._behind[place]
        return bool(self._behind) or not self._committed

    def commit(self) -> None:
        """Note for the group that everything polled so far is dealt with. Another owner by now is not an error."""
        with broker_errors("cannot read"):
            positions = {place: self._consumer.position(place) for place in self._committed}
        moved = {place: at for place, at in positions.items() if at != self._committed[place]}
        if not moved:
            return
        # Another member has these partitions, and will read again what was dealt with here.
        with contextlib.suppress(FencedError), broker_errors("cannot commit"):
            offsets = {place: OffsetAndMetadata(at, "", -1) for place, at in moved.items()}
            self._consumer.commit(offsets, timeout_ms=int(REQUEST_TIMEOUT_S * 1000))
            self._committed |= moved

    def lag(self) -> int:
        """Records, transaction markers among them, between what is committed and the ends as of now. Asks Kafka."""
        with broker_errors("cannot read the ends of the topics"):
            ends = self._consumer.end_offsets(list(self._committed), timeout_ms=int(SETTLE_S * 1000))
        return sum(max(0, ends[place] - at) for place, at in self._committed.items())

    def pause(self) -> None:
        """Give no records until `resume`; polling goes on, so that the group sees a member that is alive."""
        self._consumer.pause(*(self._committed.keys() & self._consumer.assignment()))

    def resume(self) -> None:
        """Undo `pause`."""
        self._consumer.resume(*(self._committed.keys() & self._consumer.assignment()))

    def close(self) -> None:
        """Leave the group."""
        with contextlib.suppress(KafkaError):
            self._consumer.close(autocommit=False, timeout_ms=2000)

    def _check_topics(self) -> None:
        counts = {}
        with broker_errors("cannot start reading"):
            for name in (self._topics.alerts, self._topics.alerts_open, self._topics.fleet):
                counts[name] = len(self._consumer.partitions_for_topic(name) or ())
                if not counts[name]:
                    raise BrokerError(f"topic {name} does not exist (`roompulse topics create` makes it)")
        if len(set(counts.values())) > 1:
            listed = ", ".join(f"{name} {count}" for name, count in counts.items())
            raise BrokerError(f"expected equal partition counts: {listed}")

    def _take_over(self) -> Read:
        places, limit_ms = sorted(self._waiting), int(REQUEST_TIMEOUT_S * 1000)
        partitions = frozenset(place.partition for place in places)
        since_ms = int((time.time() - self._lookback_s) * 1000)
        starts = {}
        with broker_errors("cannot take partitions over"):
            first = self._consumer.beginning_offsets(places, timeout_ms=limit_ms)
            ends = self._consumer.end_offsets(places, timeout_ms=limit_ms)
            young = self._consumer.offsets_for_times(dict.fromkeys(places, since_ms), timeout_ms=limit_ms)
            for place in places:
                stopped = self._consumer.committed(place, timeout_ms=3 * limit_ms)
                if stopped is None or stopped < 0:
                    stopped = ends[place] if young.get(place) is None else young[place].offset
                starts[place] = min(max(stopped, first[place]), ends[place])
        read = Read([], taken=partitions)
        for place, records in read_open(self._settings, self._topics, partitions) if self._with_open else ():
            self._read(place, records, read)
        for place in places:
            self._consumer.seek(place, starts[place])
            self._consumer.resume(place)
            self._behind[place], self._committed[place] = ends[place], starts[place]
        self._waiting = set()
        return read

    def _read(self, place: TopicPartition, records: Iterable[Any], into: Read) -> None:
        decode = read_fleet if place.topic == self._topics.fleet else read_alert
        for record in records:
            try:
                into.told.append(decode(record.value or b"", place.partition, record.timestamp / 1000))
            except RecordError as error:
                into.unreadable.append(f"{place.topic}, partition {place.partition}, offset {record.offset}: {error}")


class _Changes(ConsumerRebalanceListener):  # type: ignore[misc]
    """What rebalances took and gave since the last look. Called during a poll."""

    def __init__(self) -> None:
        self.consumer: Any = None
        self._lost: set[TopicPartition] = set()
        self._gained: set[TopicPartition] = set()

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Note what is gone."""
        self._lost |= set(revoked)
        self._gained -= set(revoked)

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Hold back what is new until it is taken over; a position keeps the client from looking for one itself."""
        for place in assigned:
            self.consumer.pause(place)
            self.consumer.seek(place, 0)
            self._gained.add(place)

    def take(self) -> tuple[frozenset[TopicPartition], frozenset[TopicPartition]]:
        """The partitions lost and gained since the last call."""
        changes = frozenset(self._lost), frozenset(self._gained)
        self._lost, self._gained = set(), set()
        return changes
