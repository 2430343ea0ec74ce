"""The models that a partition follows, at hand: which record is scored with which, and rooms turned to theirs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from roompulse.rooms import FRESH, put_rows, rows_at
from roompulse.thresholds import Thresholds
from scorer.pipeline.adopt import adopt
from scorer.pipeline.follow import Follows, ThresholdMemo, model_code, turns_of
from scorer.pipeline.partition import Context
from scorer.pipeline.write import Writer


@dataclass(frozen=True, slots=True)
class Models:
    """Every model that is at hand, by hash. Which of them count is in what the partition follows."""

    contexts: dict[str, Context]
    memo: ThresholdMemo = field(default_factory=ThresholdMemo)

    def passes(self, model: str) -> bool:
        """Whether a record that names this model can be met: it is at hand, or is to be passed over."""
        return model in self.contexts or self.ignores(model)

    def ignores(self, model: str) -> bool:
        """Whether records that name this model are passed over."""
        return any(model.startswith(context.ignored) for context in self.contexts.values())

    def newest(self, follows: Follows) -> Context:
        """The model that every room follows, or will soon: it speaks for the partition as a whole."""
        return self.contexts[follows.model]

    def thresholds(self, context: Context, follows: Follows) -> Thresholds:
        """What a model's rules and the settings that hold now make of rooms' thresholds."""
        return self.memo.of(context.model, context.rules, follows.settings)

    def writer_of(self, follows: Follows, code: int) -> Writer:
        """The writer of the model that a room has followed; of the newest where nobody follows that any more."""
        followed = (turn.model for turn in follows.turns if model_code(turn.model) == code)
        return self.contexts[next(followed, follows.model)].writer

    def split(
        self,
        follows: Follows,
        rows: NDArray[np.void],
        rooms: Sequence[str],
        place: NDArray[np.int64],
        minute: NDArray[np.int64],
    ) -> Iterator[tuple[Context, NDArray[np.bool_]]]:
        """Cut a wave by the model that each record is scored with: contexts, and which of the n records are theirs.

        `rows` are the state of `rooms`; record i is of room `place[i]`, no room twice, at `minute[i]`. Rooms whose turn
        has come are turned to their model, in place.
        """
        contexts = [self.contexts[turn.model] for turn in follows.turns]
        codes = np.array([model_code(turn.model) for turn in follows.turns], np.uint32)
        held = rows["model"][place]
        # Only a new minute lets a room turn: what changes the past is scored as the room was.
        newer = minute > rows["last_minute"][place]
        followed = np.select([held == code for code in codes], list(range(len(codes))), len(codes) - 1)
        turn = np.where(newer, turns_of(follows.turns, rooms, place, minute), followed)
        by_code = dict(zip(codes.tolist(), contexts, strict=True))
        for number in np.unique(turn).tolist():
            mine = turn == number
            moving = np.flatnonzero(mine & newer & (held != codes[number]))
            if len(moving):
                _turn(rows, place[moving], contexts[number], by_code)
            yield contexts[number], mine


def _turn(rows: NDArray[np.void], place: NDArray[np.int64], context: Context, followed: Mapping[int, Context]) -> None:
    """Let the rooms at `place` turn to a model, in place."""
    fresh = rows["session_start"][place] == FRESH
    rows["model"][place[fresh]] = model_code(context.model)  # no other network has left anything in them
    place = place[~fresh]
    held = rows["model"][place]
    for code in np.unique(held).tolist():
        before = followed.get(code)
        same = before is not None and before.channels.names() == context.channels.names()
        moving = place[held == code]
        part = rows_at(rows, moving)
        adopt(part, model_code(context.model), context.forecaster, same_channels=same)
        put_rows(rows, moving, part)
