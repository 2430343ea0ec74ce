"""Every error that RoomPulse raises on purpose.

RoomPulseError            the command failed: message on standard error, exit code 1
├── UsageError            the command was called wrongly: exit code 2
├── InputError            a file cannot be used; names file, line and column
├── RecordError           one record cannot be accepted: it is dead-lettered, the stream goes on
├── BundleError           a model bundle is missing, damaged or made for other features
│   └── ModelMissing      the log or the checkpoint names a bundle that is not here, or that cannot be used
├── BrokerError           Kafka cannot be reached or refused a request
│   ├── FencedError       another process has taken over this transactional id or these partitions
│   └── UnknownOutcome    a commit was sent and its answer never came
└── CheckpointError       Redis holds something that this scorer must not continue from
    └── CheckpointAway    Redis cannot be reached just now
"""

from __future__ import annotations


class RoomPulseError(Exception):
    """The command failed; the text is for the person who ran it."""

    exit_code = 1


class UsageError(RoomPulseError):
    """The command was called with arguments that do not fit together."""

    exit_code = 2


class InputError(RoomPulseError):
    """A history file cannot be used as it is.

    `file`, `line` (1 is the header) and `column` say where; any of them may be unknown.
    """

    def __init__(self, message: str, *, file: str = "", line: int | None = None, column: str = "") -> None:
        place = file
        if line is not None:
            place += f", line {line}"
        if column:
            place += f", column {column}"
        super().__init__(f"{place}: {message}" if place else message)
        self.message, self.file, self.line, self.column = message, file, line, column


REASONS = ("ahead", "clock", "invalid", "key", "malformed", "minute", "partition", "rooms", "schema")
"""Why a record could not be accepted: what `RecordError.reason` may be."""


class RecordError(RoomPulseError):
    """One record cannot be accepted. `reason` is one of REASONS, the text says field, value and expectation."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class BundleError(RoomPulseError):
    """A model bundle is missing, damaged, or made for other features."""


class ModelMissing(BundleError):
    """The log or the checkpoint names a bundle that is not here, or that cannot be used."""


class BrokerError(RoomPulseError):
    """Kafka cannot be reached or refused a request."""


class FencedError(BrokerError):
    """Another process has taken over; nothing of ours was or will be committed."""


class UnknownOutcome(BrokerError):
    """A commit was sent and no answer came: it may or may not have happened."""


class CheckpointError(RoomPulseError):
    """The checkpoint in Redis must not be continued from."""


class CheckpointAway(CheckpointError):
    """Redis cannot be reached just now; what was to be written is kept in memory."""
