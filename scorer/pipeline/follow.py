"""What a partition follows: its models, each room at its turn, and the settings. Control records change it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from roompulse.control import (
    PLAIN,
    ApplySettings,
    Challenge,
    Control,
    FollowModel,
    ServeForecast,
    begins_of,
)
from roompulse.overrides import Overrides
from roompulse.rules import Rules
from roompulse.thresholds import Thresholds

MOST_TURNS = 4
"""Models that a partition can be on the way between; a promotion more ends the oldest one's time at once."""


class Turn(Struct, frozen=True):
    """A model, by its bundle's hash, and when rooms turn to it.

    A room does so with its first minute from `begins` (None: from the first on) plus its share of `spread` minutes.
    """

    model: str
    begins: int | None = None
    spread: int = 1


class Follows(Struct, frozen=True):
    """What holds now: turns, the newest last; the challenger's hash; whether the plain mean is served; settings."""

    turns: tuple[Turn, ...] = ()
    challenger: str = ""
    plain: bool = False
    settings: Overrides = Overrides()

    @property
    def model(self) -> str:
        """The hash of the model that every room follows, or will soon."""
        return self.turns[-1].model


def obey(follows: Follows, control: Control, watermark: int | None) -> Follows:
    """What is followed after a control record; the very same object where that changes nothing."""
    match control:
        case FollowModel():
            return _promoted(follows, control, watermark)
        case Challenge(hash=challenger):
            return (
                follows if (challenger or "") == follows.challenger else replace(follows, challenger=challenger or "")
            )
        case ApplySettings(settings=settings):
            return follows if settings == follows.settings else replace(follows, settings=settings)
        case ServeForecast(forecast=forecast):
            plain = forecast == PLAIN
            return follows if plain == follows.plain else replace(follows, plain=plain)


def _promoted(follows: Follows, control: FollowModel, watermark: int | None) -> Follows:
    if follows.model == control.hash:
        return replace(follows, plain=False) if follows.plain else follows
    begins = begins_of(control)
    if begins is None and watermark is not None:
        begins = watermark + 1
    turn = Turn(control.hash, begins, int(control.spread_minutes))
    standing = _standing(follows.turns, watermark)[1 - MOST_TURNS :]
    challenger = "" if follows.challenger == control.hash else follows.challenger
    return replace(follows, turns=(*standing, turn), plain=False, challenger=challenger)


def _standing(turns: tuple[Turn, ...], watermark: int | None) -> tuple[Turn, ...]:
    """The turns without those before the last one that every room has taken."""
    taken = [
        number
        for number, turn in enumerate(turns)
        if turn.begins is None or (watermark is not None and turn.begins + turn.spread <= watermark)
    ]
    return turns[taken[-1] if taken else 0 :]


def turns_of(
    turns: Sequence[Turn], rooms: Sequence[str], places: NDArray[np.int64], minute: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Which of `turns` each record follows, (n,): rooms by name and `places` (n,) among them, at `minute` (n,)."""
    found = np.zeros(len(minute), np.int64)
    if len(turns) == 1:
        return found
    share = np.array([zlib.crc32(rooms[place].encode()) for place in places.tolist()], np.int64)
    for number, turn in enumerate(turns):
        if turn.begins is None:
            found[:] = number
        else:
            found[minute >= turn.begins + share % turn.spread] = number
    return found


def model_code(model: str) -> int:
    """What a room remembers of the model whose state it holds; never 0."""
    return zlib.crc32(model.encode()) or 1


class ThresholdMemo:
    """Thresholds by model under the settings that hold now, made again only where those change."""

    def __init__(self) -> None:
        self._settings: Overrides | None = None
        self._made: dict[str, Thresholds] = {}

    def of(self, model: str, rules: Rules, settings: Overrides) -> Thresholds:
        """The thresholds of a model's rules under these settings."""
        if settings is not self._settings:
            self._settings, self._made = settings, {}
        if model not in self._made:
            self._made[model] = Thresholds(rules, settings)
        return self._made[model]
