"""A real Apache Kafka without Docker: one process, broker and controller in one.

The jars are fetched once by Maven into `.cache/kafka` (50 files, 43 MB) and shared by all runs.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path

from deploy.native.places import DEPLOY, ROOT
from roompulse.embedded import kafka_answers
from roompulse.errors import RoomPulseError
from roompulse.local_server import LOOPBACK, LocalServer, free_port

PROPERTIES = DEPLOY / "kafka" / "server.properties"
CACHE = ROOT / ".cache" / "kafka"
FETCH_TIMEOUT_S = 300
FORMAT_TIMEOUT_S = 60

QUICK_START = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")
"""Up in half the time, at a multiple of the CPU for each record: for a broker that has little to do."""

_POM = DEPLOY / "kafka" / "pom.xml"
_LOGGING = DEPLOY / "kafka" / "log4j2.properties"

# Of two lines with the same name the later one counts: these replace the containers' addresses and folder.
_OWN_LINES = """
listeners=PLAINTEXT://{host}:{port},CONTROLLER://{host}:{controller}{more}
advertised.listeners=PLAINTEXT://{host}:{port}{more}
controller.quorum.bootstrap.servers={host}:{controller}
log.dirs={data}
"""


def jars() -> Path:
    """The folder that holds Kafka's jars, fetched at the first call; parallel runs wait for each other.

    Raises RoomPulseError with Maven's own words where it cannot fetch them.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    pom = _POM.read_text(encoding="utf-8")
    folder, stamp = CACHE / "libs", CACHE / "libs" / "pom.xml"
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text(encoding="utf-8") == pom:
            return folder
        shutil.rmtree(folder, ignore_errors=True)
        command = ["mvn", "--batch-mode", "--quiet", "--file", str(_POM), "dependency:copy-dependencies"]
        command += ["-DincludeScope=runtime", f"-DoutputDirectory={folder}"]
        outcome = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_TIMEOUT_S, check=False)
        if outcome.returncode != 0:
            raise RoomPulseError(f"Maven could not fetch Kafka's jars:\n{outcome.stdout}{outcome.stderr}")
        stamp.write_text(pom, encoding="utf-8")
    return folder


class ApacheKafka(LocalServer):
    """One broker. Stopped, killed or frozen, and started again, it goes on with its data on the same port."""

    def __init__(
        self,
        *,
        properties: str = "",
        heap: str = "-Xmx512m",
        listeners: Sequence[str] = (),
        format_options: Sequence[str] = (),
        java_options: Sequence[str] = QUICK_START,
    ) -> None:
        """`properties` are further lines for deploy/kafka/server.properties, `listeners` further ones of them.

        `format_options` are for the formatting of the storage. Raises RoomPulseError.
        """
        java = ["java", heap, *java_options]
        java += [f"-Dlog4j2.configurationFile={_LOGGING}", "-cp", str(jars() / "*")]

        def command(port: int, folder: Path) -> list[str]:
            config, data = folder / "server.properties", folder / "data"
            if not (config.exists() and f"://{LOOPBACK}:{port}" in config.read_text(encoding="utf-8")):
                more = "".join(f",{listener}" for listener in listeners)
                own = _OWN_LINES.format(host=LOOPBACK, port=port, controller=free_port(), data=data, more=more)
                config.write_text(PROPERTIES.read_text(encoding="utf-8") + own + properties, encoding="utf-8")
                shutil.rmtree(data, ignore_errors=True)
                cluster = [
                    "--standalone",
                    "--cluster-id",
                    uuid.uuid4().hex[:22],
                    "--config",
                    str(config),
                    *format_options,
                ]
                formatting = [*java, "kafka.tools.StorageTool", "format", *cluster]
                subprocess.run(formatting, check=True, capture_output=True, timeout=FORMAT_TIMEOUT_S)
            return [*java, "kafka.Kafka", str(config)]

        super().__init__("kafka", command, kafka_answers, start_timeout_s=60)
