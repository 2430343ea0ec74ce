"""What changes a registry's aliases, and tells the scorers: promote, roll back, retire.

1. Verify the bundle as the scorer would. 2. Point the alias to it. 3. Write a control record to every partition.
A registry that has changed and scorers that were not told are made right by doing it again: nothing is done twice.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from roompulse.aliases import ALIASES, CHALLENGER, CHAMPION
from roompulse.bundle import Bundle
from roompulse.control import SPREAD_MINUTES, Challenge, Control, FollowModel, control_value
from roompulse.errors import BrokerError, BundleError, UsageError
from roompulse.model_card import losses
from roompulse.registry import Registry
from roompulse.settings import KAFKA, Settings, add_settings, is_given, load_settings
from roompulse.summary import print_summary

if TYPE_CHECKING:
    from roompulse.kafka_control import Tell

_ONLY_CHAMPION = ("spread_minutes", "begins")


def add_alias_option(parser: argparse.ArgumentParser) -> None:
    """Which alias is meant."""
    parser.add_argument(
        "--as", dest="alias", choices=ALIASES, default=CHAMPION, help="which alias to move (default %(default)s)"
    )


def add_turning_options(parser: argparse.ArgumentParser) -> None:
    """How rooms turn to a champion."""
    parser.add_argument(
        "--spread-minutes",
        type=int,
        metavar="N",
        help=f"rooms turn to the new champion within so many minutes of event time (default {SPREAD_MINUTES})",
    )
    parser.add_argument(
        "--begins",
        metavar="MINUTE",
        help="event minute at which the first rooms turn, RFC 3339 with an offset (default: each partition's next)",
    )


def add_telling_options(parser: argparse.ArgumentParser) -> None:
    """How the scorers are told."""
    parser.add_argument("--note", metavar="TEXT", help="why; for people, and kept with the record")
    add_settings(parser, *KAFKA, "topic_prefix", "connect_timeout_s")


def promote(registry: Registry, args: argparse.Namespace, bundle: Bundle) -> int:
    """Make a verified bundle champion or challenger. Returns 0."""
    lost = losses(bundle.card)
    if lost and not args.force:
        raise BundleError(f"{bundle.label} loses to its baselines: {'; '.join(lost)}; --force promotes it all the same")
    value = _record(args, bundle)
    with registry.alone(), _teller(args) as tell:
        changed = registry.promote(bundle, args.alias, "forced" if lost else "promoted")
        told = _tell(tell, value, f"{bundle.label} is {args.alias} in the registry", "the same command once more")
    return _done(registry, args, bundle, changed, told, lost)


def rollback(registry: Registry, args: argparse.Namespace) -> int:
    """Point an alias to the bundle before. Returns 0."""
    with registry.alone(), _teller(args) as tell:
        bundle = registry.rollback(args.alias, run_golden)
        lost = losses(bundle.card)
        forced = " --force" if lost else ""
        # Not the same command: it would go back one step more.
        again = f"`roompulse models promote {bundle.label} --as {args.alias}{forced}`"
        told = _tell(tell, _record(args, bundle), f"{bundle.label} is {args.alias} in the registry again", again)
    return _done(registry, args, bundle, True, told, lost)


def retire(registry: Registry, args: argparse.Namespace) -> int:
    """End the challenger's trial. Returns 0."""
    value = _record(args, None)
    with registry.alone(), _teller(args) as tell:
        changed = registry.retire(args.alias)
        told = _tell(tell, value, f"the registry has no {args.alias}", "the same command once more")
    print_summary({"alias": args.alias, "model": None, "changed": changed, "partitions_told": told}, as_json=args.json)
    return 0


def run_golden(bundle: Bundle) -> None:
    """Open the network as the scorer would. Listing and showing run nothing, so only here its parts are loaded."""
    from scorer.wiring import open_model

    open_model(bundle, Settings(), None)


def check_usage(args: argparse.Namespace) -> None:
    """Raise UsageError where the options do not go together or a value does not fit, before anything is looked at."""
    for name in _ONLY_CHAMPION:
        if args.alias == CHALLENGER and getattr(args, name, None) is not None:
            raise UsageError(f"--{name.replace('_', '-')}: a challenger is tried in the shadow, no room turns to it")
    _record(args, None)


def _record(args: argparse.Namespace, bundle: Bundle | None) -> bytes:
    """The control record. Raises UsageError where a value in it does not fit; without a bundle the rest is tried."""
    label, wanted = ("none", "0" * 64) if bundle is None else (bundle.label, bundle.hash)
    control: Control
    if args.alias == CHALLENGER:
        control = Challenge(None if bundle is None else wanted, None if bundle is None else label, args.note)
    else:
        spread = SPREAD_MINUTES if args.spread_minutes is None else args.spread_minutes
        control = FollowModel(wanted, label, spread, args.begins, args.note)
    return control_value(control)


@contextmanager
def _teller(args: argparse.Namespace) -> Iterator[Tell | None]:
    """What tells the partitions, connected before anything is changed; None where no Kafka was named."""
    if not is_given("bootstrap_servers", args):
        yield None
        return
    from roompulse.kafka_control import control_teller

    with control_teller(replace(load_settings(args), create_topics=False)) as tell:
        yield tell


def _tell(tell: Tell | None, value: bytes, changed: str, again: str) -> int | None:
    """How many partitions were told. Raises BrokerError that says how matters stand and what to do."""
    if tell is None:
        print(
            f"{changed}; no scorer was told: name Kafka with --bootstrap-servers or ROOMPULSE_BOOTSTRAP_SERVERS and "
            f"run {again}, which is safe",
            file=sys.stderr,
        )
        return None
    try:
        return tell(value)
    except BrokerError as error:
        raise BrokerError(f"{changed}, but no scorer was told: {error}; run {again}, which is safe") from error


def _done(
    registry: Registry, args: argparse.Namespace, bundle: Bundle, changed: bool, told: int | None, lost: Sequence[str]
) -> int:
    alias = registry.alias(args.alias)
    previous = None if alias is None or alias.previous is None else alias.previous.label
    summary: dict[str, Any] = {"alias": args.alias, "model": bundle.label, "hash": bundle.hash, "changed": changed}
    summary |= {"rollback_goes_to": previous, "loses": list(lost) if args.json else "; ".join(lost) or "nowhere"}
    print_summary(summary | {"partitions_told": told}, as_json=args.json)
    return 0
