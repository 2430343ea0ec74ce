"""A real Apache Kafka for tests: one process, broker and controller in one, without Docker.

    python -m tests.services.kafka [FOLDER]     # one to play with, until Ctrl-C

The jars are fetched once by Maven into `.cache/kafka` (46 files, 43 MB) and shared by all runs.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent.parent / ".cache" / "kafka"
START_TIMEOUT_S = 60.0

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
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
log.cleaner.dedupe.buffer.size=8388608
"""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nothing uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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


class Kafka:
    """One broker with its data folder. It can be stopped, killed and started again on the same port and data."""

    def __init__(self, folder: Path, *, properties: str = "", heap: str = "-Xmx512m") -> None:
        """Format the storage. `properties` are lines added to server.properties."""
        self.folder = folder
        self.port = free_port()
        self.bootstrap = f"127.0.0.1:{self.port}"
        self.log_file = folder / "kafka.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._config = folder / "server.properties"
        folder.mkdir(parents=True, exist_ok=True)
        text = PROPERTIES.format(port=self.port, controller=free_port(), data=folder / "data")
        self._config.write_text(text + properties, encoding="utf-8")
        options = [
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Xshare:auto",
            f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}",
        ]
        self._java = ["java", heap, *options, "-cp", str(jars() / "*")]
        formatting = [*self._java, "kafka.tools.StorageTool", "format", "--standalone", "--cluster-id"]
        cluster = uuid.uuid4().hex[:22]
        with self.log_file.open("ab") as log:
            subprocess.run([*formatting, cluster, "--config", self._config], check=True, stdout=log, stderr=log)

    @property
    def pid(self) -> int | None:
        """The process, or None while the broker is down."""
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        """Start and wait until the port answers. Raises RuntimeError with the end of the log where it does not."""
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._java, "kafka.Kafka", str(self._config)], stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        self.kill()
        raise RuntimeError(f"Kafka did not start:\n{self.log_file.read_text(errors='replace')[-2000:]}")

    def stop(self) -> None:
        """Stop in order; killed where that takes more than 30 s."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """SIGKILL, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def freeze(self) -> None:
        """SIGSTOP: the port accepts connections, and nothing answers."""
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT: go on after `freeze`."""
        if self._process is not None:
            os.kill(self._process.pid, signal.SIGCONT)


if __name__ == "__main__":
    broker = Kafka(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(tempfile.mkdtemp(prefix="kafka-")))
    broker.start()
    print(broker.bootstrap, flush=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        broker.stop()
