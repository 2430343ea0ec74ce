"""`roompulse train --preset NAME`: what happens around the training of a windowed network."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from roompulse.bundle import HOTSPOT
from roompulse.channels import DEFAULT_CHANNELS
from roompulse.errors import RoomPulseError
from roompulse.history import HistoryReport, history_options, read_history, say_on_stderr
from roompulse.summary import print_summary
from trainer.presets import STEP_PRESET, PresetSettings
from trainer.series import SeriesSession, series_sessions
from trainer.sessions import check_conflicts
from trainer.work_bar import work_bar

if TYPE_CHECKING:
    from trainer.preset_fitting import EpochReport


def run_preset(args: argparse.Namespace, settings: PresetSettings) -> int:
    """Read, train, write the bundle and print how it did. Returns the exit code; raises RoomPulseError."""
    sessions = _read(args, settings)
    try:
        from trainer.preset_evaluation import rooms_a_minute
        from trainer.preset_training import train_preset
    except ImportError as error:
        raise RoomPulseError(f"training needs the extra `train`: pip install 'roompulse[train]' ({error})") from error
    from trainer.reporting import print_results

    name = settings.preset if args.name == STEP_PRESET else args.name
    with epoch_bar(settings.epochs) as progress:
        source = ", ".join(args.files)
        bundle, card = train_preset(
            sessions, settings, args.out, name, args.model_version, source, progress, resume=args.resume
        )
    summary: dict[str, Any] = {"bundle": str(args.out), "model": bundle.label, "sessions": len(sessions)}
    # Measured, and so not on the card: the same training gives the same bundle.
    rate = rooms_a_minute(bundle)
    summary |= {"kept_epoch": card["training"]["kept_epoch"], "rooms_a_minute_a_core": rate}
    if args.json:
        summary |= {name: card[name] for name in ("fit_a_minute_ahead", "results", "applied", "loses") if name in card}
    else:
        print_results({"the last part of the time": card["results"]["heldout"]})
        r2 = card["fit_a_minute_ahead"]["test"]["r2"]
        summary |= {"test_r2": "-" if r2 is None else r2, "loses": ", ".join(card["loses"]) or "nowhere"}
    print_summary(summary, as_json=args.json)
    return 0


def _read(args: argparse.Namespace, settings: PresetSettings) -> list[SeriesSession]:
    report = HistoryReport(say=say_on_stderr)
    rows = read_history(args.files, history_options(args), report)
    channels = DEFAULT_CHANNELS if settings.every_series else None
    conflicts: list[tuple[str, int]] = []
    sessions = series_sessions(rows, channels, conflicts, minutely=settings.kind != HOTSPOT)
    if conflicts:
        check_conflicts(conflicts, [session.counts() for session in sessions], ", ".join(args.files))
    if report.bad_rows:
        say_on_stderr(f"{report.bad_rows:,} bad rows were left out, {report.rows:,} rows used")
    return sessions


@contextmanager
def epoch_bar(epochs: int) -> Iterator[EpochReport]:
    """Gives the function that each epoch is reported to; a bar on a terminal, a plain line now and then elsewhere."""
    first = 0
    with work_bar("training", epochs) as moved:

        def report(epoch: int, loss: float, validation_loss: float, best: int) -> None:
            nonlocal first
            first = first or epoch  # a resumed training does not begin at 1
            text = f"epoch {epoch}/{epochs}, loss {loss:.4g}, validation {validation_loss:.4g}, best epoch {best}"
            moved(text, epoch, first - 1)

        yield report
