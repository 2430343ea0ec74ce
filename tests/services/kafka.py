"""A real Apache Kafka for tests.

python -m tests.services.kafka     # one to play with, until Ctrl-C
"""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Sequence

from deploy.native.apache_kafka import QUICK_START, ApacheKafka

# A test waits for none of what gives people and networks time. Kafka's own interval at which expired transactions are
# aborted (10 s) stays: at half a second a broker that starts again closed them before it knew who leads its partitions,
# without a marker (Kafka 4.3.1), and their records became visible with the next commit.
QUICK = """\
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=8388608
"""


class Kafka(ApacheKafka):
    """One broker, to be used as a context. Stopped, killed or frozen, it goes on with its data on the same port."""

    def __init__(
        self,
        *,
        properties: str = "",
        listeners: Sequence[str] = (),
        format_options: Sequence[str] = (),
        java_options: Sequence[str] = QUICK_START,
    ) -> None:
        """`properties` are further lines for server.properties, `listeners` further ones beside the plain one.

        `format_options` are for the formatting of the storage.
        """
        super().__init__(
            properties=QUICK + properties, listeners=listeners, format_options=format_options, java_options=java_options
        )


def _wait_for_the_end() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Kafka() as broker, contextlib.suppress(KeyboardInterrupt):
        print(broker.address, flush=True)
        signal.pause()


if __name__ == "__main__":
    _wait_for_the_end()
