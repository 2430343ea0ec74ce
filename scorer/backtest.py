"""`roompulse backtest FILE --out DIR`: the live scorer's loop over history in memory, with no services."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from roompulse.errors import RoomPulseError, UsageError
from roompulse.history import (
    HistoryReport,
    HistoryRow,
    add_clone_option,
    add_history_options,
    clone_rooms,
    departures,
    encode_row,
    history_options,
    read_history,
    say_on_stderr,
)
from roompulse.labels import read_labels
from roompulse.minutes import QUIET_MINUTES, Minute, format_minute
from roompulse.overrides import Overrides
from roompulse.pacing import Pace, speed
from roompulse.progress import ReplayProgress
from roompulse.records import Clock, encode
from roompulse.rules import rules_from
from roompulse.settings import Settings, add_settings, load_settings
from roompulse.summary import add_json, print_summary
from roompulse.topics import CLOCK_SCHEMA, SCHEMA_HEADER, Topics
from scorer.adapters.key_partitioner import partitioner
from scorer.adapters.memory_checkpoint import MemoryCheckpoint
from scorer.adapters.memory_log import MemoryLog, MemoryTopic
from scorer.grading import Grading
from scorer.looking import Ran, Watching, add_looking_options, looking_of
from scorer.loop import LoopOptions, ScoringLoop
from scorer.totals import Totals
from scorer.wiring import chosen_bundle, chosen_overrides, models

_CLOCK_HEADERS = ((SCHEMA_HEADER, CLOCK_SCHEMA.encode()),)

EXAMPLES = """\
examples:
  roompulse backtest history.csv --out result --report
  roompulse backtest history.csv --labels labels.csv --out judged --sweep surge_budget=1,2,5,10
  roompulse backtest history.csv --settings new.toml --out other --against result --json"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = f"{EXAMPLES}\n\n{parser.epilog}"
    add_history_options(parser)
    parser.add_argument("--out", required=True, metavar="DIR", help="new folder for forecasts, alerts and the summary")
    parser.add_argument(
        "--partitions", dest="split", type=int, default=1, metavar="N", help="as many as the topic has (default 1)"
    )
    parser.add_argument("--no-clock", action="store_true", help="leave the sessions open at the end")
    parser.add_argument(
        "--speed", type=speed, default=None, metavar="N", help="times real time (default: as fast as possible)"
    )
    parser.add_argument(
        "--labels",
        type=Path,
        metavar="FILE",
        help="score the alerts against labels, as `roompulse labels` or `roompulse simulate --labels` wrote them",
    )
    add_clone_option(parser)
    add_looking_options(parser)
    add_json(parser)
    add_settings(
        parser, "model", "registry", "settings", "surge_budget", "slump_budget", "max_batch", "max_rooms",
        "topic_prefix", "partitioner",
    )  # fmt: skip


def run(args: argparse.Namespace) -> int:
    """Score the files. Returns 0, or 1 when there was no row to score. Raises RoomPulseError."""
    settings = load_settings(args)
    if args.split < 1:
        raise UsageError(f"--partitions: got {args.split}, expected a number from 1 up")
    looking = looking_of(args, settings)  # what it cannot do is said before an hour of scoring, not after
    folder = Path(args.out)
    ran = score_files(args, settings, chosen_overrides(settings), folder, looking.watching)
    told = looking.tell(folder, ran, lambda overrides, into: score_files(args, settings, overrides, into))
    print_summary({**ran.summary, **ran.timing, **told, "out": str(folder)}, as_json=args.json)
    if not ran.events:
        say_on_stderr("roompulse backtest: no row to score")
        return 1
    return 0


def score_files(
    args: argparse.Namespace, settings: Settings, overrides: Overrides, folder: Path, watching: Sequence[Watching] = ()
) -> Ran:
    """One run over the files into a new folder, summary.json too; `watching` sees every row. Raises RoomPulseError."""
    started = time.monotonic()
    report = HistoryReport(say=say_on_stderr)
    rows = clone_rooms(read_history(args.files, history_options(args), report), args.rooms)
    grading = None if args.labels is None else Grading(read_labels(args.labels))
    watching = [*watching, *([] if grading is None else [grading])]
    bundle = chosen_bundle(settings)
    # A control record of ours would come back only in a live topic.
    model_for = models(replace(settings, auto_demote=False), bundle, args.split, overrides)
    topic = MemoryTopic(args.split)
    totals = Totals()
    options = LoopOptions(settings.max_batch, max_dirty_rooms=1 << 62, rebuild_hours=24.0, saves=False)
    loop = ScoringLoop(MemoryLog(topic), MemoryCheckpoint(), model_for, options, totals, stop=lambda: False)
    place = partitioner("murmur2", args.split) if args.split > 1 else None
    with Outputs(new_folder(folder), Topics(settings.topic_prefix), grading) as outputs, ReplayProgress() as progress:
        for minute, chunk in _chunks(rows, settings.max_batch, args.speed):
            for one in watching:
                one.see(chunk)
            _append(topic, chunk, place)
            _drain(loop, topic)
            outputs.take(topic)
            progress.update(totals.tally.events, minute)
        if not args.no_clock and totals.tally.events:
            last = loop.watermark()
            _append_clocks(topic, Minute(last.epoch + QUIET_MINUTES, last.offset))
            _drain(loop, topic)
            outputs.take(topic)
    seconds = time.monotonic() - started
    summary = {"rows_read": report.rows_read, "bad_rows": report.bad_rows, "model": bundle.label} | totals.summary()
    if grading is not None:
        summary |= grading.summary()
    (folder / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
    timing = {"seconds": round(seconds, 3), "events_per_second": round(totals.tally.events / seconds, 1)}
    return Ran(summary, timing, totals.tally.events, rules_from(dict(bundle.rules)))


class Outputs:
    """The result files, one record a line in the order in which the scorer wrote them."""

    def __init__(self, folder: Path, topics: Topics, grading: Grading | None = None) -> None:
        names = {
            "forecasts": topics.forecasts, "alerts": topics.alerts, "hotlist": topics.hotlist, "fleet": topics.fleet,
        }  # fmt: skip
        self._topics = names
        self._all = topics.outputs
        self._grading = grading
        self._folder = folder
        self._files: dict[str, BinaryIO] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Outputs:
        for name in self._topics:
            self._files[name] = self._stack.enter_context((self._folder / f"{name}.jsonl").open("wb"))
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def take(self, topic: MemoryTopic) -> None:
        """Move what was committed into the files."""
        for name, output_topic in self._topics.items():
            lines = [output.value or b"" for output in topic.take_outputs(output_topic)]
            if name == "alerts" and self._grading is not None:
                self._grading.take(lines)
            if lines:
                self._files[name].write(b"\n".join(lines) + b"\n")
                self._files[name].flush()
        for output_topic in self._all:
            topic.take_outputs(output_topic)


def new_folder(folder: Path) -> Path:
    """Make a folder for results. Raises RoomPulseError where it has any or cannot be made."""
    try:
        if folder.exists() and any(folder.iterdir()):
            raise RoomPulseError(f"{folder} is not empty: --out takes a new folder, results are never overwritten")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RoomPulseError(f"cannot write to {folder}: {error.strerror}") from error
    return folder


def _chunks(rows: Iterator[HistoryRow], size: int, times: float | None) -> Iterator[tuple[Minute, list[HistoryRow]]]:
    """Rows in chunks of `size`; at a speed, one minute of event time at its time."""
    if times is None:
        while chunk := list(islice(rows, size)):
            yield chunk[-1].minute, chunk
        return
    pace = Pace(times)
    for departure in departures(rows):
        pace.wait_for(departure.minute.epoch, lambda: None)
        yield departure.minute, departure.rows


def _append(topic: MemoryTopic, rows: Iterable[HistoryRow], place: Callable[[bytes], int] | None) -> None:
    for row in rows:
        key, value = encode_row(row)
        topic.append(0 if place is None else place(key), key, value, (), row.minute.epoch * 60_000)


def _append_clocks(topic: MemoryTopic, over: Minute) -> None:
    value = encode(Clock(format_minute(*over)))
    for partition in range(len(topic.messages)):
        topic.append(partition, None, value, _CLOCK_HEADERS, over.epoch * 60_000)


def _drain(loop: ScoringLoop, topic: MemoryTopic) -> None:
    """Turn until everything is scored, then drop what was read."""
    partitions = range(len(topic.messages))
    while any(topic.committed.get(partition, 0) < topic.end(partition) for partition in partitions):
        loop.turn()
    for partition in partitions:
        topic.forget(partition, topic.end(partition))
