"""`roompulse models`: the registry's bundles and which of them is in use.

It lives with the scorer because what may be promoted is what the scorer would load: the same check of files, hashes
and golden vectors decides both, and neither needs the training libraries.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from roompulse.aliases import ALIASES, CHALLENGER, CHAMPION
from roompulse.bundle import Bundle, default_bundle, load_bundle
from roompulse.errors import BundleError, CheckpointError
from roompulse.model_card import figures_of, losses
from roompulse.registry import Registry
from roompulse.settings import REDIS, add_settings, is_given, load_settings
from roompulse.summary import add_json, print_summary
from scorer.followed import followed, read_heads, summary_of
from scorer.model_tables import print_bundle, print_followed, print_listing
from scorer.promote import (
    add_alias_option,
    add_telling_options,
    add_turning_options,
    check_usage,
    promote,
    retire,
    rollback,
    run_golden,
)

CHANGES = ("promote", "rollback", "retire")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the actions."""
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    about = {
        "list": "all bundles with their held-out figures and aliases",
        "show": "one bundle's card",
        "promote": "take a bundle in, verify it and make it champion or challenger",
        "rollback": "back to what was champion or challenger before; may be repeated",
        "retire": "end the challenger's trial",
        "verify": "check files, hashes, golden vectors and aliases again",
    }
    made = {
        name: actions.add_parser(name, help=text, description=text.capitalize() + ".") for name, text in about.items()
    }
    made["show"].add_argument(
        "label", nargs="?", default=CHAMPION, metavar="LABEL", help="a label or an alias (default %(default)s)"
    )
    promote = made["promote"]
    promote.add_argument("bundle", metavar="BUNDLE", help="folder of a bundle, or a label or alias of the registry")
    promote.add_argument("--force", action="store_true", help="also where it loses to its baselines")
    made["verify"].add_argument(
        "labels", nargs="*", metavar="LABEL", help="labels or aliases (default: all bundles and aliases)"
    )
    made["retire"].add_argument("alias", choices=(CHALLENGER,), metavar=CHALLENGER, help="the only one that can be")
    for name in ("promote", "rollback"):
        add_alias_option(made[name])
        add_turning_options(made[name])
    for name in CHANGES:
        add_telling_options(made[name])
    add_settings(made["list"], *REDIS, "connect_timeout_s")
    for action in made.values():
        add_settings(action, "registry")
        add_json(action)


def run(args: argparse.Namespace) -> int:
    """Do one of them. Returns 0, or 1 where `verify` found something wrong. Raises BundleError."""
    registry = Registry(Path(load_settings(args).registry))
    if args.action in CHANGES:
        check_usage(args)
    if args.action == "promote":
        return _promote(registry, args)
    registry.check()
    if args.action == "list":
        return _list(registry, args)
    if args.action == "show":
        return _show(registry, args)
    if args.action == "rollback":
        return rollback(registry, args)
    if args.action == "retire":
        return retire(registry, args)
    return _verify(registry, args)


def _list(registry: Registry, args: argparse.Namespace) -> int:
    aliases = _aliases(registry)
    rows = [_row(registry, label, aliases) for label in registry.labels()]
    summary = {"registry": str(registry.folder)} | {name: aliases.get(name) for name in ALIASES} | {"bundles": rows}
    heads, away = None, None
    if is_given("redis_url", args):
        try:
            heads = read_heads(load_settings(args))
        except CheckpointError as error:  # what the registry has is told all the same
            away = error
    partitions = [] if heads is None else followed(heads, _labels(rows))
    if args.json:
        print_summary(summary | ({} if heads is None else summary_of(heads, partitions)), as_json=True)
    else:
        print_listing(registry.folder, rows)
        if heads is not None:
            print_followed(partitions, heads.missing)
    for folder in registry.strangers():
        print(f"{folder} is a bundle outside of the registry: promote it to take it in", file=sys.stderr)
    if away is not None:
        raise away
    return 0


def _labels(rows: Sequence[dict[str, Any]]) -> dict[str, str]:
    """Labels by hash of all bundles in the registry, and of the shipped one, with which a scorer may have begun."""
    shipped = load_bundle(default_bundle())
    return {shipped.hash: shipped.label} | {row["hash"]: row["label"] for row in rows if "hash" in row}


def _aliases(registry: Registry) -> dict[str, str]:
    """The label behind each alias that points to something."""
    found = {name: registry.alias(name) for name in ALIASES}
    return {name: alias.now.label for name, alias in found.items() if alias is not None and alias.now is not None}


def _row(registry: Registry, label: str, aliases: dict[str, str]) -> dict[str, Any]:
    row: dict[str, Any] = {"label": label, "aliases": [name for name in aliases if aliases[name] == label]}
    try:
        bundle = registry.open(label)
    except BundleError as error:
        return row | {"damaged": str(error)}
    return row | _about(bundle)


def _about(bundle: Bundle) -> dict[str, Any]:
    figures = figures_of(bundle.card)
    return {
        "hash": bundle.hash,
        "kind": bundle.specification.kind,
        "data_hash": bundle.specification.data_hash,
        "heldout": None
        if figures is None
        else {
            "judged_by": figures.title,
            "mae": dict(figures.network),
            "best_baseline": figures.best_baseline,
            "best_baseline_mae": figures.baselines[figures.best_baseline] if figures.best_baseline else None,
            "coverage_80": figures.coverage,
        },
        "losses": losses(bundle.card),
    }


def _show(registry: Registry, args: argparse.Namespace) -> int:
    bundle = _bundle_named(registry, args.label)
    changes = [
        {"alias": name, "how": change.how, "at": change.at}
        for name in ALIASES
        if (alias := registry.alias(name)) is not None
        for change in alias.changes
        if change.hash == bundle.hash
    ]
    summary = {"label": bundle.label, "folder": str(bundle.folder)} | _about(bundle)
    if args.json:
        print_summary(summary | {"changes": changes, "card": bundle.card}, as_json=True)
    else:
        print_bundle(summary, changes, bundle.card)
    return 0


def _promote(registry: Registry, args: argparse.Namespace) -> int:
    if registry.folder.exists():
        registry.check()
    bundle = _bundle_given(registry, args.bundle)
    run_golden(bundle)
    return promote(registry, args, bundle)


def _verify(registry: Registry, args: argparse.Namespace) -> int:
    checked: dict[str, str | None] = {}
    wanted = args.labels or [*registry.labels(), *(name for name in ALIASES if _is_in_use(registry, name))]
    for name in wanted:
        try:
            run_golden(_bundle_named(registry, name))
            checked[name] = None
        except BundleError as error:
            checked[name] = str(error)
    wrong = sum(problem is not None for problem in checked.values())
    if args.json:
        print_summary({"checked": len(checked), "wrong": wrong, "problems": checked}, as_json=True)
    else:
        for name, problem in checked.items():
            print(f"{name}: {'as it was written' if problem is None else problem}")
        print(f"{len(checked)} checked, {wrong} wrong")
    return 1 if wrong else 0


def _is_in_use(registry: Registry, name: str) -> bool:
    """Whether an alias was set and not retired; one that cannot be read is looked at too."""
    try:
        alias = registry.alias(name)
    except BundleError:
        return True
    return alias is not None and alias.now is not None


def _bundle_named(registry: Registry, name: str) -> Bundle:
    return registry.aliased(name) if name in ALIASES else registry.open(name)


def _bundle_given(registry: Registry, text: str) -> Bundle:
    """A label or alias of the registry first, so that a folder of the same name elsewhere is never meant by chance."""
    if text in ALIASES or text in registry.labels():
        return _bundle_named(registry, text)
    if Path(text).exists():
        return load_bundle(Path(text))
    raise BundleError(
        f"{text}: neither a bundle's folder nor a label; the registry has: {', '.join(registry.labels()) or 'none'}"
    )
