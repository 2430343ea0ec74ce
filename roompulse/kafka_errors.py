"""kafka-python's errors, translated into ours here and nowhere else, and its own log, kept off the screen."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import TracebackType

from kafka import errors as vendor

from roompulse.errors import BrokerError, FencedError

UNREACHABLE = (vendor.KafkaTimeoutError, vendor.KafkaConnectionError, vendor.NodeNotReadyError)
"""What a client raises that found no broker at all."""

_NAME_TAKEN = (vendor.ProducerFencedError, vendor.InvalidProducerEpochError)
_FENCED = (
    *_NAME_TAKEN,
    vendor.CommitFailedError,
    vendor.IllegalGenerationError,
    vendor.UnknownMemberIdError,
    vendor.FencedInstanceIdError,
)


class broker_errors:  # noqa: N801 - reads as a statement: `with broker_errors("cannot commit"):`
    """Turn kafka-python's errors into ours: FencedError where another has taken over, BrokerError otherwise."""

    __slots__ = ("doing",)

    def __init__(self, doing: str) -> None:
        """`doing` starts the message."""
        self.doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, vendor.KafkaError):
            raise translated(self.doing, error) from error


def translated(doing: str, error: BaseException) -> BrokerError:
    """Our error for one of kafka-python's; `doing` starts the message."""
    text = f"{doing}: {type(error).__name__}" + (f": {error}" if str(error) else "")
    return FencedError(text) if _is_one_of(_FENCED, error) else BrokerError(text)


def is_name_taken(error: BaseException) -> bool:
    """Whether this transactional id went on without us: another process has it, or the transaction took too long."""
    return _is_one_of(_NAME_TAKEN, error)


def is_unsent(error: BaseException) -> bool:
    """Whether a commit failed in the client itself, before anything of it was sent."""
    return str(error).startswith("Cannot execute transactional method") or "Invalid transition" in str(error)


def _is_one_of(kinds: tuple[type[vendor.KafkaError], ...], error: BaseException) -> bool:
    """A producer in its error state raises a plain KafkaError, which names the cause only in its text."""
    if isinstance(error, kinds):
        return True
    return type(error) is vendor.KafkaError and any(kind.__name__ in repr(error.args) for kind in kinds)


class _ToDebug(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        logging.getLogger("roompulse.kafka").debug("%s: %s", record.name, record.getMessage())


class _Collecting(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.errors: list[vendor.KafkaError] = []

    def emit(self, record: logging.LogRecord) -> None:
        if isinstance(record.args, tuple):
            self.errors.extend(item for item in record.args if isinstance(item, vendor.KafkaError))


@contextmanager
def errors_in_log() -> Iterator[list[vendor.KafkaError]]:
    """Collect the errors of kafka-python's log: while a client is built it tries again until its time is over, and why
    it could not connect is nowhere else.
    """
    logger, collecting = logging.getLogger("kafka"), _Collecting()
    logger.addHandler(collecting)
    try:
        yield collecting.errors
    finally:
        logger.removeHandler(collecting)


def login_trouble(user: str, mechanism: str, errors: Sequence[BaseException]) -> str:
    """What the errors say of a login, in words; empty where nothing was wrong with it.

    A broker says no and hangs up; where both arrive at once, kafka-python 3.0.12 sees the end alone.
    """
    refused = [error for error in errors if isinstance(error, vendor.SaslAuthenticationFailedError)]
    if refused or any("socket disconnected" in str(error) for error in errors):
        return f"the login of {user!r} by {mechanism} is refused: a wrong user or password?"
    return ""


def quiet_client_log() -> None:
    """Move kafka-python's warnings and errors to the debug level of the logger `roompulse.kafka`; may be repeated.

    What matters in them comes back as an exception, and the screen belongs to the command.
    """
    logger = logging.getLogger("kafka")
    if not any(isinstance(handler, _ToDebug) for handler in logger.handlers):
        logger.addHandler(_ToDebug())
        logger.setLevel(logging.WARNING)
        logger.propagate = False
