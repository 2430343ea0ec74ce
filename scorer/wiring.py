"""Which real parts stand behind the ports: the one place that chooses."""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from msgspec.structs import replace

from roompulse.bundle import Bundle, default_bundle, load_bundle
from roompulse.channels import DEFAULT_CHANNELS, Channels
from roompulse.errors import BundleError, ModelMissing, UsageError
from roompulse.kafka_topics import ensure_topics
from roompulse.overrides import Overrides, read_overrides
from roompulse.registry import Registry, open_bundle
from roompulse.rooms import room_dtype
from roompulse.rules import rules_from
from roompulse.settings import Settings
from roompulse.thresholds import check_categories
from roompulse.topics import Topics
from scorer.adapters.kafka_python_log import KafkaPythonLog
from scorer.adapters.key_partitioner import partitioner
from scorer.adapters.networks import open_forecaster, refuse_offline
from scorer.adapters.redis_checkpoint import RedisCheckpoint
from scorer.adapters.redis_place import place_of
from scorer.partitions import ModelFor
from scorer.pipeline.partition import Context
from scorer.pipeline.write import Writer
from scorer.ports import Checkpoint, EventLog

KAFKA_PYTHON, CONFLUENT = "kafka-python", "confluent"


def chosen_bundle(settings: Settings) -> Bundle:
    """The bundle that a scorer without a checkpoint starts with. Raises BundleError."""
    bundle = open_bundle(Path(settings.model)) if settings.model else load_bundle(default_bundle())
    refuse_offline(bundle)  # before any service is asked, or any folder made
    return bundle


def bundle_with(wanted: str, settings: Settings) -> Bundle | None:
    """The bundle with this hash: the shipped one, or one beside the chosen one, or of the registry. None: not here."""
    if (shipped := load_bundle(default_bundle())).hash == wanted:
        return shipped
    folders = [Path(settings.registry)]
    if settings.model:
        folders = [Path(settings.model), Path(settings.model).resolve().parent, *folders]
    found = (Registry(folder).find(wanted) for folder in folders)
    return next((bundle for bundle in found if bundle is not None), None)


def chosen_overrides(settings: Settings) -> Overrides:
    """What settings file and budgets say of alerts; a budget given wins over `[rules]`. Raises InputError."""
    found = read_overrides(Path(settings.settings)) if settings.settings else Overrides()
    check_categories(found.category)
    budgets = {
        name: budget for name in ("surge_budget", "slump_budget") if (budget := getattr(settings, name)) is not None
    }
    return replace(found, rules=replace(found.rules, **budgets))


def open_model(
    bundle: Bundle,
    settings: Settings,
    partition_of: Callable[[bytes], int] | None,
    overrides: Overrides | None = None,
) -> Context:
    """A bundle, ready to score. Raises BundleError where the network does not give its golden vectors."""
    channels, dtype = _channels(bundle), room_dtype_of(bundle)
    writer = Writer(Topics(settings.topic_prefix), bundle.label, channels, settings.max_message_bytes)
    rules = rules_from(dict(bundle.rules))
    return Context(
        bundle.hash, open_forecaster(bundle), rules, channels, writer, dtype, overrides or Overrides(), partition_of,
        settings.auto_demote, tuple(filter(None, map(str.strip, settings.ignore_models.split(",")))),
        settings.max_rooms,
    )  # fmt: skip


def _channels(bundle: Bundle) -> Channels:
    """The channels that are told apart: those that the network reads, where it reads channels."""
    window = bundle.specification.window
    return DEFAULT_CHANNELS if window is None or window.series == 1 else Channels(window.channels)


def room_dtype_of(bundle: Bundle) -> np.dtype[np.void]:
    """The record of a room under this bundle's network."""
    specification = bundle.specification
    window = specification.window
    every = 0 if window is None or window.series == 1 else window.minutes
    return room_dtype(specification.units, specification.window_minutes, every)


def models(settings: Settings, first: Bundle, partitions: int, overrides: Overrides | None = None) -> ModelFor:
    """Give the model with a hash, or the first choice: a partition goes on with the model that it follows.

    Each is opened once. What cannot be used is a ModelMissing, for it may be put right while the scorer waits.
    """
    partition_of = partitioner(settings.partitioner, partitions)
    opened: dict[str, Context] = {first.hash: open_model(first, settings, partition_of, overrides)}

    def model_for(wanted: str | None) -> Context:
        if wanted is None:
            return opened[first.hash]
        if wanted not in opened:
            try:
                bundle = bundle_with(wanted, settings)
                if bundle is not None:
                    refuse_offline(bundle)
                    opened[wanted] = open_model(bundle, settings, partition_of, overrides)
            except BundleError as error:
                raise ModelMissing(f"model {wanted[:8]} cannot be used: {error}") from error
        if wanted not in opened:
            raise ModelMissing(
                f"model {wanted[:8]} is not here: put its bundle into {settings.registry}, or start with --registry "
                "naming a registry that holds it"
            )
        return opened[wanted]

    return model_for


def chosen_client(settings: Settings) -> str:
    """The Kafka client behind `open_log`: confluent where it is installed, unless the settings name one.

    Raises UsageError where it is named and not installed.
    """
    if settings.client == KAFKA_PYTHON:
        return KAFKA_PYTHON
    if find_spec("confluent_kafka") is not None:
        return CONFLUENT
    if settings.client == CONFLUENT:
        raise UsageError("--client confluent needs confluent-kafka: pip install 'roompulse[fast]'")
    return KAFKA_PYTHON


def open_log(settings: Settings) -> EventLog:
    """Connect to Kafka, make sure of the topics, and join. Raises BrokerError within the connect timeout."""
    client = chosen_client(settings)
    if settings.static_membership and not re.fullmatch(r"[A-Za-z0-9._-]{1,249}", settings.instance):
        raise UsageError(
            f"--static-membership: got the name {settings.instance!r}: expected letters, digits, dots, dashes and "
            "underscores (--instance-id)"
        )
    topics = Topics(settings.topic_prefix)
    states = ensure_topics(settings, topics).states
    if client == KAFKA_PYTHON:
        return KafkaPythonLog(settings, topics.minutes)
    # Loaded only when chosen, as it may not be there.
    from scorer.adapters.confluent_client import BATCH_BYTES
    from scorer.adapters.confluent_log import ConfluentLog

    limits = (int(state.config.get("max.message.bytes", BATCH_BYTES)) for state in states)
    return ConfluentLog(settings, topics.minutes, min(BATCH_BYTES, *limits))


def open_checkpoint(settings: Settings) -> Checkpoint:
    """Connect to Redis. Raises CheckpointAway within the connect timeout, CheckpointError where it may lose data."""
    checkpoint = RedisCheckpoint(place_of(settings), settings.redis_prefix)
    checkpoint.check(settings.connect_timeout_s)
    return checkpoint
