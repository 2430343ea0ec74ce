"""What a run came to: the summary of `score` and `backtest`."""

from __future__ import annotations

from collections.abc import Mapping

from scorer.happenings import Committed, Happening
from scorer.pipeline.partition import Tally
from scorer.pipeline.wave import ACCEPTED, CORRECTED, DUPLICATE, LATE, STATUSES

MINUTES_A_DAY = 1440


class Totals:
    """Adds up what was committed."""

    def __init__(self) -> None:
        self.tally = Tally()
        self.batches = 0

    def __call__(self, happening: Happening) -> None:
        """Count a batch in; other happenings do not matter here."""
        if isinstance(happening, Committed):
            self.tally.add(happening.tally)
            self.tally.errors.clear()  # by names that others choose: they would grow without end
            self.batches += 1

    def summary(self) -> dict[str, object]:
        """Counts by name. `late` holds late and corrected minutes; `unaccounted` has to be 0."""
        tally = self.tally
        accepted, duplicate, corrected, late = (
            tally.status[STATUSES[code]] for code in (ACCEPTED, DUPLICATE, CORRECTED, LATE)
        )
        dead = sum(tally.dead.values())
        by_event: dict[str, int] = {}
        for (_, _, event), count in tally.alerts.items():
            by_event[event] = by_event.get(event, 0) + count
        judged, error, naive = tally.judged[0].tolist()
        met, inside = tally.covered
        return {
            "events_in": tally.events,
            "forecasts_out": accepted,
            "late": late + corrected,
            "duplicate": duplicate,
            "dead_letters": dead,
            "unaccounted": tally.events - accepted - late - corrected - duplicate - dead,
            "corrected": corrected,
            "blank_minutes": tally.blanks,
            "sessions": tally.sessions,
            "gated_forecasts": tally.gated,
            "alerts_opened": by_event.get("open", 0),
            "alerts_out": sum(by_event.values()),
            "fleet_events": sum(count for (_, event), count in tally.fleet.items() if event == "open"),
            "error_at_1": error / judged if judged else None,
            "naive_error_at_1": naive / judged if judged else None,
            "coverage_percent": 100 * inside / met if met else None,
            "batches": self.batches,
        }


def room_days(summary: Mapping[str, object]) -> float:
    """Room-minutes that a run scored, in days; from its summary."""
    minutes = summary["forecasts_out"]
    return minutes / MINUTES_A_DAY if isinstance(minutes, int) else 0.0
