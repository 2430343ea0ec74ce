"""/readyz says whether output is to be expected, and does not flap while a server is away."""

from __future__ import annotations

import numpy as np

from scorer import happenings as told
from scorer.pipeline.partition import Tally
from scorer.readiness import Readiness

COMMITTED = told.Committed(Tally(), 1, {}, np.zeros(1))


def after(*happenings: told.Happening) -> str:
    """Why a scorer is not ready after these."""
    state = Readiness()
    for happening in happenings:
        state(happening)
    return state.not_ready()


def recovered(partition: int) -> told.Recovered:
    """A partition has come to us."""
    return told.Recovered(partition, 0, 5, 0, rebuilt=False, exact=True)


def test_it_is_ready_once_every_partition_is_live() -> None:
    """Not before the first one came, nor while one is re-read, nor once all are gone."""
    assert after() == "no partition is assigned yet"
    assert after(recovered(0), recovered(1), told.Live(0, 5)) == "re-reading partitions 1"
    live = (recovered(0), recovered(1), told.Live(0, 5), told.Live(1, 5))
    assert not after(*live)
    assert not after(*live, told.Lost(0))
    assert after(*live, told.Lost(0), told.Lost(1)) == "no partition is assigned yet"


def test_a_redis_that_is_away_matters_once_reading_pauses() -> None:
    """Until then every forecast goes out in time."""
    live = (recovered(0), told.Live(0, 5), told.SaveDelayed("away", 10))
    assert not after(*live)
    assert after(*live, told.Reading(paused=True), COMMITTED) == "reading pauses until Redis is back"
    assert not after(*live, told.Reading(paused=True), told.Reading(paused=False))


def test_a_broker_that_is_away_matters_until_it_answers() -> None:
    """A commit, or an answer about where the partitions stand, says that it is back."""
    live = (recovered(0), told.Live(0, 5), told.BrokerAway("no answer"))
    assert after(*live) == "no answer"
    assert not after(*live, COMMITTED)
    assert not after(*live, told.Standing({}, {}, {}, {}, {}, {}, frozenset(), {}, ()))


def test_a_partition_that_is_held_up_is_named() -> None:
    """One that waits for its model or cannot be taken over yet gets no output, whatever the others do."""
    live = (recovered(0), told.Live(0, 5))
    assert after(*live, told.Halted(1, "model x is not here")) == "partition 1 is held up: model x is not here"
    assert not after(*live, told.Halted(1, "model x is not here"), told.Halted(1, ""))
    assert after(*live, told.RecoveryDelayed(2, "no Redis")) == "partition 2 is held up: no Redis"
    assert not after(*live, told.RecoveryDelayed(2, "no Redis"), told.Lost(2))
    assert not after(*live, told.RecoveryDelayed(2, "no Redis"), recovered(2), told.Live(2, 5))
