"""Any number of rooms with an hour of state, and their messages minute by minute, made from a few simulated ones."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from roompulse.bundle import default_bundle, load_bundle
from roompulse.history import encode_row
from roompulse.minutes import format_minute
from roompulse.rooms import widened
from roompulse.settings import Settings
from roompulse.simulation import SimulationSettings, simulate
from roompulse.topics import CLOCK_HEADER, MINUTE_SCHEMA, SCHEMA_HEADER
from scorer.adapters.key_partitioner import partitioner
from scorer.pipeline.fold import Fold
from scorer.ports import Message
from scorer.wiring import open_model

SIMULATED_ROOMS = 2000
WARM_MINUTES = 70
"""The gate compares network and plain mean from the hour on."""
_SCHEMA, _EAST = MINUTE_SCHEMA.encode(), 480
_HEAD = b'{"room_id":"'


class Fleet:
    """Rooms `room-0000001` up, spread over the partitions by their keys."""

    def __init__(self, rooms: int, minutes: int, partitions: int, seed: int = 1) -> None:
        self.partitions = partitions
        simulated = min(rooms, SIMULATED_ROOMS)
        settings = SimulationSettings(rooms=simulated, minutes=WARM_MINUTES + minutes, seed=seed, continuous=True)
        self._minutes = (
            [(row.minute.epoch, *encode_row(row)) for row in delivery.rows] for delivery in simulate(settings)
        )
        self._left = minutes
        self._shuffle = np.random.default_rng(seed)
        place = partitioner("murmur2", partitions)
        assert place is not None
        self._context = open_model(load_bundle(default_bundle()), Settings(), place)
        self._clones: dict[bytes, list[tuple[int, bytes]]] = {}
        for number in range(rooms):
            name = f"room-{number + 1:07d}".encode()
            original = f"room-{number % simulated + 1:05d}".encode()
            self._clones.setdefault(original, []).append((place(name), name))
        self._offset = 0

    def folds(self) -> list[Fold]:
        """The partitions, with every room's state after `WARM_MINUTES`."""
        warm = Fold(0, open_model(load_bundle(default_bundle()), Settings(), None))
        for _ in range(WARM_MINUTES):
            warm.apply(warm.step([Message(0, -1, key, value, ()) for _, key, value in next(self._minutes)]))
        seen = set(warm.rooms())
        known = [room for room in self._clones if room.decode() in seen]
        folds = [Fold(partition, self._context) for partition in range(self.partitions)]
        names: list[list[str]] = [[] for _ in folds]
        rows: list[list[int]] = [[] for _ in folds]
        for row, original in enumerate(known):
            for partition, name in self._clones[original]:
                names[partition].append(name.decode())
                rows[partition].append(row)
        states = widened(warm.rows_of([room.decode() for room in known]), self._context.dtype)
        for fold, rooms, places in zip(folds, names, rows, strict=True):
            fold.load(warm.head, rooms, states[places])
        return folds

    def minutes(self) -> Iterator[list[list[Message]]]:
        """The messages of each measured minute by partition, shuffled, as the originals of each clone send them."""
        for _ in range(self._left):
            made: list[list[tuple[int, bytes, bytes]]] = [[] for _ in range(self.partitions)]
            for epoch, key, value in next(self._minutes):
                rest = value[len(_HEAD) + len(key) :]
                for partition, name in self._clones[key]:
                    made[partition].append((epoch * 60_000, name, _HEAD + name + rest))
            clock = format_minute(epoch, _EAST).encode()
            yield [self._shuffled(messages, clock) for messages in made]

    def _shuffled(self, made: list[tuple[int, bytes, bytes]], clock: bytes) -> list[Message]:
        order = self._shuffle.permutation(len(made)).tolist()
        self._offset += len(made)
        first = self._offset - len(made)
        return [
            Message(first + number, timestamp_ms, key, value, [(SCHEMA_HEADER, _SCHEMA), (CLOCK_HEADER, clock)])
            for number, (timestamp_ms, key, value) in enumerate(made[row] for row in order)
        ]
