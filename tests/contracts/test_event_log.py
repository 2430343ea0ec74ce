"""What the scorer relies on in its event log, held against every implementation alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event

import pytest

from roompulse.errors import BrokerError, FencedError
from scorer.adapters.memory_log import MemoryLog
from scorer.ports import EventLog, Message, Output
from tests.contracts.event_logs import DEADLINE_S, GROUP_WORLDS, MEGABYTE, PARTITIONS, WORLDS, World, open_world

ALL = frozenset(range(PARTITIONS))


@pytest.fixture(params=WORLDS)
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with open_world(request.param, request) as opened:
        yield opened


@pytest.fixture(params=GROUP_WORLDS)
def group(request: pytest.FixtureRequest) -> Iterator[World]:
    """A world with several members."""
    with open_world(request.param, request) as opened:
        yield opened


class Reader:
    """Polls a log and remembers what it gave."""

    def __init__(self, log: EventLog) -> None:
        self.log = log
        self.owned: frozenset[int] = frozenset()
        self.lost: frozenset[int] = frozenset()
        self.gained: frozenset[int] = frozenset()
        self.messages: dict[int, list[Message]] = {p: [] for p in ALL}
        self.positions: dict[int, int] = {}

    def poll(self, max_records: int = 1000, timeout_s: float = 0.1) -> int:
        """One poll; returns the number of messages."""
        polled = self.log.poll(max_records, timeout_s)
        self.lost |= polled.lost
        self.gained |= polled.gained
        self.owned = (self.owned - polled.lost) | polled.gained
        for partition, batch in polled.batches.items():
            self.messages[partition] += batch.messages
            self.positions[partition] = batch.position
        return sum(len(batch.messages) for batch in polled.batches.values())

    def values(self, partition: int) -> list[bytes | None]:
        return [message.value for message in self.messages[partition]]


def joined(log: EventLog, at: int = 0) -> Reader:
    """A reader that owns all partitions, each started at this offset."""
    reader = Reader(log)
    until(lambda: reader.owned == ALL, reader)
    for partition in ALL:
        log.start(partition, at)
    return reader


def until(holds: Callable[[], bool], *readers: Reader) -> None:
    """Poll all readers until something holds; several members each in a thread, as they would be processes."""
    deadline = time.monotonic() + DEADLINE_S
    if any(isinstance(reader.log, MemoryLog) for reader in readers) or len(readers) < 2:
        while not holds():
            assert time.monotonic() < deadline
            for reader in readers:
                reader.poll()
        return
    done = Event()
    with ThreadPoolExecutor(len(readers)) as pool:
        polls = [pool.submit(_poll_on, reader, done) for reader in readers]
        while not holds() and time.monotonic() < deadline and not any(poll.done() for poll in polls):
            done.wait(0.01)
        done.set()
    for poll in polls:
        poll.result()
    assert holds()


def _poll_on(reader: Reader, done: Event) -> None:
    while not done.is_set():
        reader.poll()


def fill(world: World, count: int = 10, partition: int = 0) -> list[bytes | None]:
    """Put numbered records on a partition; returns their values."""
    values: list[bytes | None] = [b"value %d" % number for number in range(count)]
    world.append(*((partition, b"key", value, (), 1000 + number) for number, value in enumerate(values)))
    return values


def output(world: World, value: bytes | None, partition: int = 0) -> Output:
    return Output(world.out, partition, b"key", value, [("schema", b"s/1")])


def test_a_gained_partition_gives_nothing_until_it_is_started(world: World) -> None:
    """The owner first loads a partition's state; until then its messages stay where they are."""
    values = fill(world)
    reader = Reader(world.log())
    until(lambda: reader.owned == ALL, reader)
    for _ in range(3):
        assert reader.poll() == 0
    reader.log.start(0, 0)
    until(lambda: len(reader.messages[0]) == len(values), reader)
    assert reader.values(0) == values
    assert reader.lost == frozenset()


def test_messages_come_in_offset_order_with_everything_they_had(world: World) -> None:
    """Key, value, headers, timestamp and offset arrive as they were written, empty and missing ones too."""
    records = [
        (0, b"room", b"{}", [("schema", b"a/1"), ("clock", b"")], 1_700_000_000_000),
        (0, None, b"no key", [], 1_700_000_000_001),
        (0, b"no value", None, [], 1_700_000_000_002),
        (0, b"", b"", [], 1_700_000_000_003),
        (1, "房间 🎉".encode(), b"other", [], 1_700_000_000_004),
    ]
    world.append(*records)
    reader = joined(world.log())
    until(lambda: len(reader.messages[0]) == 4 and len(reader.messages[1]) == 1, reader)
    for partition in ALL:
        expected = [record for record in records if record[0] == partition]
        found = reader.messages[partition]
        assert [m.offset for m in found] == list(range(len(expected)))
        assert [(partition, m.key, m.value, list(m.headers), m.timestamp_ms) for m in found] == expected


def test_a_poll_gives_no_more_than_it_was_asked_for(world: World) -> None:
    """The batch size bounds a transaction, over all partitions together, and nothing is left out between two polls."""
    values = [fill(world, 25, partition) for partition in ALL]
    reader = joined(world.log())
    while sum(map(len, reader.messages.values())) < 50:
        assert reader.poll(max_records=7) <= 7
    assert [reader.values(partition) for partition in ALL] == values


def test_outputs_and_positions_become_visible_together_at_the_commit(world: World) -> None:
    """Before the commit neither is there; after it both are, in the order in which the outputs were given."""
    fill(world)
    reader = joined(world.log())
    until(lambda: len(reader.messages[0]) == 10, reader)
    log = reader.log
    log.begin()
    log.send(output(world, b"%d" % number) for number in range(500))
    log.send([output(world, None), output(world, b"other", 1)])
    log.send_positions({0: reader.positions[0]})
    assert world.committed_outputs(0) == []
    log.commit()
    expected = [output(world, b"%d" % number) for number in range(500)] + [output(world, None)]
    assert world.committed_outputs(0) == expected
    assert world.committed_outputs(1) == [output(world, b"other", 1)]
    assert log.committed(0) == reader.positions[0]
    assert log.committed(1) is None


def test_an_aborted_transaction_leaves_nothing_and_its_messages_come_again(world: World) -> None:
    """After an abort the caller goes back to where it was; the next transaction commits as if there had been none."""
    values = fill(world)
    reader = joined(world.log())
    until(lambda: len(reader.messages[0]) == 10, reader)
    log = reader.log
    log.begin()
    log.send([output(world, b"never")])
    log.send_positions({0: reader.positions[0]})
    log.abort()
    assert log.committed(0) is None
    reader.messages[0] = []
    log.start(0, 0)
    until(lambda: len(reader.messages[0]) == 10, reader)
    assert reader.values(0) == values
    log.begin()
    log.send([output(world, b"once")])
    log.send_positions({0: reader.positions[0]})
    log.commit()
    assert world.committed_outputs(0) == [output(world, b"once")]


def test_an_empty_transaction_commits(world: World) -> None:
    """Markers may move a position with nothing to write, and a batch may have nothing to say."""
    log = joined(world.log()).log
    log.begin()
    log.commit()
    log.begin()
    log.send([output(world, b"after")])
    log.commit()
    assert world.committed_outputs(0) == [output(world, b"after")]


def test_a_successor_goes_on_where_the_last_commit_was(world: World) -> None:
    """What was read and not committed is read again; what was committed is not."""
    values = fill(world)
    reader = joined(world.log())
    log = reader.log
    until(lambda: reader.poll(max_records=4) > 0)
    position = reader.positions[0]
    log.begin()
    log.send([output(world, b"first")])
    log.send_positions({0: position})
    log.commit()
    reader.poll()
    log.close()
    successor = Reader(world.log())
    until(lambda: successor.owned == ALL, successor)
    assert successor.log.committed(0) == position
    successor.log.start(0, position)
    until(lambda: len(successor.messages[0]) == 10 - position, successor)
    assert successor.values(0) == values[position:]


def test_a_second_member_takes_over_some_partitions_and_the_rest_go_on(group: World) -> None:
    """A partition has one owner at a time, and one that stays is neither lost nor started anew."""
    for partition in ALL:
        fill(group, 5, partition)
    first = joined(group.log("one"))
    until(lambda: all(len(first.messages[p]) == 5 for p in ALL), first)
    first.gained = frozenset()
    second = Reader(group.log("two"))
    until(lambda: len(first.owned) == len(second.owned) == 1, first, second)
    assert first.owned | second.owned == ALL
    assert first.lost == second.owned
    assert first.gained == frozenset()
    (kept,) = first.owned
    (moved,) = second.owned
    second.log.start(moved, 0)
    fill(group, 1, kept)
    until(lambda: len(first.messages[kept]) == 6 and len(second.messages[moved]) == 5, first, second)
    assert len(first.messages[moved]) == 5
    second.log.close()
    until(lambda: first.owned == ALL, first)
    assert first.gained == {moved}


@pytest.mark.parametrize("told", [False, True], ids=["unaware", "aware"])
def test_a_member_that_was_put_out_cannot_commit(group: World, told: bool) -> None:
    """A zombie's transaction fails, whether its client has heard of the expulsion or not; then it may join again."""
    fill(group)
    zombie = joined(group.log("one"))
    until(lambda: len(zombie.messages[0]) == 10, zombie)
    zombie.log.begin()
    zombie.log.send([output(group, b"zombie")])
    group.evict(zombie.log, told=told)
    heir = joined(group.log("two"))
    with pytest.raises(FencedError):
        zombie.log.send_positions({0: zombie.positions[0]})
    zombie.log.abort()
    assert heir.log.committed(0) is None
    assert group.committed_outputs(0) == []
    zombie.owned = zombie.lost = zombie.gained = frozenset()
    until(lambda: len(zombie.owned) == len(heir.owned) == 1, zombie, heir)
    assert zombie.lost == ALL
    (mine,) = zombie.owned
    assert mine in zombie.gained
    zombie.log.start(mine, 0)
    fill(group, 10, mine)
    until(lambda: len(zombie.messages[mine]) >= 10, zombie, heir)
    zombie.log.begin()
    zombie.log.send([output(group, b"alive again", mine)])
    zombie.log.send_positions({mine: zombie.positions[mine]})
    zombie.log.commit()
    assert group.committed_outputs(mine) == [output(group, b"alive again", mine)]


def test_positions_of_a_refused_transaction_do_not_slip_into_the_next(group: World) -> None:
    """What a zombie offered for a partition that it lost stays refused when it commits another one later."""
    for partition in ALL:
        fill(group, 10, partition)
    zombie = joined(group.log("one"))
    until(lambda: all(len(zombie.messages[p]) == 10 for p in ALL), zombie)
    zombie.log.begin()
    zombie.log.send([output(group, b"zombie")])
    group.evict(zombie.log, told=False)
    heir = joined(group.log("two"))
    with pytest.raises(FencedError):
        zombie.log.send_positions(zombie.positions)
    zombie.log.abort()
    until(lambda: len(zombie.owned) == len(heir.owned) == 1 and zombie.lost == ALL, zombie, heir)
    (mine,) = zombie.owned
    zombie.log.start(mine, 0)
    until(lambda: len(zombie.messages[mine]) == 20, zombie, heir)
    zombie.log.begin()
    zombie.log.send_positions({mine: 5})
    zombie.log.commit()
    assert zombie.log.committed(mine) == 5
    assert zombie.log.committed(1 - mine) is None


def test_a_newcomer_of_the_same_name_fences_its_elder(world: World) -> None:
    """Two processes under one name cannot both write; the newest wins, and the elder cannot fight back."""
    elder = joined(world.log("same"))
    elder.log.begin()
    elder.log.send([output(world, b"elder")])
    newcomer = world.log("same")
    with pytest.raises(FencedError):
        elder.log.commit()
    elder.log.abort()
    with pytest.raises(FencedError):
        elder.log.begin()
    newcomer.begin()
    newcomer.send([output(world, b"newcomer")])
    newcomer.commit()
    assert world.committed_outputs(0) == [output(world, b"newcomer")]


def test_a_message_of_five_megabytes_comes_through(world: World) -> None:
    """One large message neither blocks its partition nor the reader."""
    value = bytes(range(256)) * (5 * MEGABYTE // 256)
    world.append((0, b"key", value, (), 0))
    fill(world, 1)
    reader = joined(world.log())
    until(lambda: len(reader.messages[0]) == 2, reader)
    assert reader.values(0) == [value, b"value 0"]


def test_a_paused_partition_gives_nothing_and_loses_nothing(world: World) -> None:
    """A pause holds messages back, also over a going back to an earlier offset, and keeps the membership."""
    reader = joined(world.log())
    log = reader.log
    log.pause([0])
    values = [fill(world, 10, partition) for partition in ALL]
    until(lambda: len(reader.messages[1]) == 10, reader)
    log.start(0, 0)
    for _ in range(3):
        reader.poll()
    assert reader.messages[0] == []
    log.resume([0])
    until(lambda: len(reader.messages[0]) == 10, reader)
    assert [reader.values(partition) for partition in ALL] == values
    assert reader.lost == frozenset()


def test_resuming_does_not_start_a_partition_that_was_never_started(world: World) -> None:
    """`resume` takes back a pause, nothing more."""
    fill(world)
    reader = Reader(world.log())
    until(lambda: reader.owned == ALL, reader)
    reader.log.pause(ALL)
    reader.log.resume(ALL)
    for _ in range(3):
        assert reader.poll() == 0


def test_bounds_say_what_the_topic_holds_and_where_it_ends(world: World) -> None:
    """The end is where the next record goes; the beginning moves on when the topic forgets."""
    log = joined(world.log()).log
    assert log.bounds(0) == (0, 0)
    fill(world)
    assert log.bounds(0) == (0, 10)
    assert log.bounds(1) == (0, 0)


def test_a_time_is_found_as_the_first_offset_that_is_not_before_it(world: World) -> None:
    """A rebuild starts at a point in time; a time beyond all records gives the end."""
    fill(world)
    log = joined(world.log()).log
    assert log.offset_at(0, 0) == 0
    assert log.offset_at(0, 1004) == 4
    assert log.offset_at(0, 5000) == 10
    assert log.offset_at(1, 0) == 0


def test_an_offset_beyond_the_end_is_refused_by_name(world: World) -> None:
    """Nothing ever jumps silently: the error names partition and offsets."""
    fill(world)
    reader = joined(world.log())
    reader.log.start(0, 99)
    with pytest.raises(BrokerError, match=r"partition 0: offset 99 .* 0 to 10"):
        until(lambda: False, reader)
    reader.log.start(0, 8)
    until(lambda: len(reader.messages[0]) >= 2, reader)


def test_an_offset_that_the_topic_has_forgotten_is_refused_by_name(world: World) -> None:
    """A checkpoint older than the topic's memory must not go on as if nothing were missing."""
    fill(world)
    world.forget(0, 6)
    reader = joined(world.log(), at=0)
    with pytest.raises(BrokerError, match=r"partition 0: offset 0 .* 6 to 10"):
        until(lambda: False, reader)
    assert reader.log.bounds(0) == (6, 10)
    reader.log.start(0, 6)
    until(lambda: len(reader.messages[0]) == 4, reader)


def test_aborted_input_is_not_read_and_positions_move_past_it(world: World) -> None:
    """A reader of committed records never sees an aborted transaction; its position goes to the end all the same."""
    fill(world, 3)
    world.append(*((0, b"key", b"aborted %d" % number, (), 0) for number in range(5)), aborted=True)
    reader = joined(world.log())
    until(lambda: reader.positions.get(0) == reader.log.bounds(0)[1], reader)
    assert len(reader.messages[0]) == 3
    if world.markers:
        assert reader.positions[0] == 3 + 5 + 1
    reader.log.begin()
    reader.log.send_positions(reader.positions)
    reader.log.commit()
    assert reader.log.committed(0) == reader.positions[0]


def test_a_topic_made_anew_is_told_from_the_one_before(world: World) -> None:
    """A checkpoint belongs to one topic; another of the same name has another id, where the broker has ids."""
    log = world.log("one")
    assert log.partition_count() == PARTITIONS
    before = log.topic_id()
    assert log.topic_id() == before
    log.close()
    world.make_anew()
    after = world.log("two").topic_id()
    assert (before != after) if world.ids else (before == after == "")


def test_closing_twice_does_no_harm(world: World) -> None:
    """A clean-up may run after a failed one."""
    log = joined(world.log()).log
    log.begin()
    log.send([output(world, b"never")])
    log.close()
    log.close()
    assert world.committed_outputs(0) == []
