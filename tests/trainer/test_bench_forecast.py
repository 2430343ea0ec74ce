"""The benchmark's served path is the scorer's own, and its figures come with what the gate did."""

from __future__ import annotations

import numpy as np

from bench.judging import judge
from bench.served import serve
from roompulse.bundle import default_bundle, load_bundle
from trainer.baselines import baselines
from trainer.rivals import spreads
from trainer.sessions import Session


def sessions() -> list[Session]:
    """Two sessions of one room and one of another, with a gap."""
    rng = np.random.default_rng(0)
    found = [
        Session("a", 0, rng.poisson(20.0, 50).astype(float)),
        Session("a", 200, rng.poisson(30.0, 40).astype(float)),
    ]
    found.append(Session("b", 30, rng.poisson(4.0, 60).astype(float)))
    found[2].counts[10:14] = np.nan
    return found


def test_every_measured_minute_is_served_and_no_room_changes_another() -> None:
    """Blanks have no forecast; a room alone is served the same bits as among others."""
    bundle = load_bundle(default_bundle())
    together = serve(bundle, sessions())
    for session, served in zip(sessions(), together, strict=True):
        known = ~np.isnan(session.counts)
        assert np.isfinite(served.quantiles[known]).all()
        assert np.isnan(served.quantiles[~known]).all()
        assert (np.diff(served.quantiles[known], axis=1) >= 0).all()
    alone = serve(bundle, sessions()[2:])[0]
    np.testing.assert_array_equal(alone.quantiles, together[2].quantiles)


def test_raw_and_served_figures_stand_side_by_side() -> None:
    """Both with the same rivals on the same rows, with losses, the gate's share and the time a forecast takes."""
    field = baselines(sessions())
    outcome = judge(load_bundle(default_bundle()), field, spreads(field, sessions()), sessions())
    raw, served = outcome["network"], outcome["served"]
    assert raw["forecasts"] == served["forecasts"] == 146
    assert raw["mae"]["ridge_16"] == served["mae"]["ridge_16"]
    assert 0 <= outcome["gated_share"] <= 1
    assert set(outcome["microseconds_per_forecast"]) == {"network", *field}
    assert isinstance(outcome["loses"], list)
