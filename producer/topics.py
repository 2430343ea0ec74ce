"""`roompulse topics`: create what is missing, or look at what is there; either way, say what is wrong."""

from __future__ import annotations

import argparse

from rich import box
from rich.console import Console
from rich.table import Table

from roompulse.kafka_topics import TopicsReport, TopicState, check_topics, create_topics
from roompulse.settings import KAFKA, add_settings, load_settings
from roompulse.summary import add_json, print_summary
from roompulse.topics import Topics

_HOUR_MS = 3600 * 1000


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument(
        "action",
        nargs="?",
        choices=("check", "create"),
        default="check",
        help="check changes nothing; create makes what is missing and then checks (default: check)",
    )
    add_json(parser)
    add_settings(parser, *KAFKA, "topic_prefix", "partitions", "replication_factor", "connect_timeout_s")


def run(args: argparse.Namespace) -> int:
    """Show every topic. Returns 1 where something is missing or wrong."""
    settings = load_settings(args)
    topics = Topics(settings.topic_prefix)
    # Partitions that were asked for must be there; the default only serves topics that are not there yet.
    asked = None if args.partitions is None else settings.partitions
    report = (create_topics if args.action == "create" else check_topics)(settings, topics, asked)
    if args.json:
        print_summary(_summary(report), as_json=True)
    else:
        Console().print(_table(report))
    return 1 if report.faults else 0


def _table(report: TopicsReport) -> Table:
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("topic", no_wrap=True)
    table.add_column("partitions", justify="right")
    table.add_column("keeps", no_wrap=True)
    table.add_column("")
    for state in report.states:
        fault = report.faults.get(state.name)
        verdict = fault or ("created" if state.name in report.created else "ok")
        count = str(state.partitions) if state.partitions else "-"
        table.add_row(state.name, count, _keeps(state), verdict, style="red" if fault else None)
    return table


def _keeps(state: TopicState) -> str:
    if not state.config:
        return "-"
    if state.compacted:
        return "the latest of each key"
    hours = int(state.config.get("retention.ms", -1)) / _HOUR_MS
    if hours < 0:
        return "everything"
    return f"{hours / 24:g} days" if hours >= 24 else f"{hours:g} hours"


def _summary(report: TopicsReport) -> dict[str, object]:
    return {
        "ok": not report.faults,
        "created": list(report.created),
        "topics": [
            {
                "name": state.name,
                "partitions": state.partitions,
                "config": dict(state.config),
                "fault": report.faults.get(state.name),
            }
            for state in report.states
        ],
    }
