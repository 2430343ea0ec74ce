"""A real Apache Kafka for tests: one process, broker and controller in one, without Docker.

    python -m tests.services.kafka     # one to play with, until Ctrl-C

The jars are fetched once by Maven into `.cache/kafka` (50 files, 43 MB) and shared by all runs.
"""

from __future__ import annotations

import contextlib
import fcntl
import shutil
import signal
import subprocess
import uuid
from pathlib import Path

from roompulse.embedded import kafka_answers
from roompulse.local_server import LocalServer, free_port

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent.parent / ".cache" / "kafka"

# Looked at every half second, a transaction that expired while the broker was down is aborted before the broker that
# starts knows who leads its partitions: then the marker is not written (Kafka 4.3.1), and the records become visible
# with the next commit. Kafka's own interval is 10 s.
PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
transaction.abort.timed.out.transaction.cleanup.interval.ms=5000
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=8388608
"""


def jars() -> Path:
    """The folder that holds Kafka's jars, fetched at the first call; parallel test runs wait for each other.

    Raises RuntimeError with Maven's own words where it cannot fetch them.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    pom = (HERE / "pom.xml").read_text(encoding="utf-8")
    folder, stamp = CACHE / "libs", CACHE / "libs" / "pom.xml"
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text(encoding="utf-8") == pom:
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        command = ["mvn", "--batch-mode", "--quiet", "--file", str(HERE / "pom.xml"), "dependency:copy-dependencies"]
        command += ["-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
        outcome = subprocess.run(command, capture_output=True, text=True, timeout=300)
        if outcome.returncode != 0:
            raise RuntimeError(f"Maven could not fetch Kafka's jars:\n{outcome.stdout}{outcome.stderr}")
        stamp.write_text(pom, encoding="utf-8")
    return folder


class Kafka(LocalServer):
    """One broker, to be used as a context. Stopped, killed or paused, it goes on with its data on the same port."""

    def __init__(self, *, properties: str = "", heap: str = "-Xmx512m") -> None:
        """`properties` are further lines for server.properties."""
        java = ["java", heap, "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        java += [f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}", "-cp", str(jars() / "*")]

        def command(port: int, folder: Path) -> list[str]:
            config, data = folder / "server.properties", folder / "data"
            if not (config.exists() and f":{port}\n" in config.read_text(encoding="utf-8")):
                text = PROPERTIES.format(port=port, controller=free_port(), data=data)
                config.write_text(text + properties, encoding="utf-8")
                shutil.rmtree(data, ignore_errors=True)
                cluster = ["--standalone", "--cluster-id", uuid.uuid4().hex[:22], "--config", str(config)]
                formatting = [*java, "kafka.tools.StorageTool", "format", *cluster]
                subprocess.run(formatting, check=True, capture_output=True, timeout=60)
            return [*java, "kafka.Kafka", str(config)]

        super().__init__("kafka", command, kafka_answers, start_timeout_s=60)


def _wait_for_the_end() -> None:
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with Kafka() as broker, contextlib.suppress(KeyboardInterrupt):
        print(broker.address, flush=True)
        signal.pause()


if __name__ == "__main__":
    _wait_for_the_end()
