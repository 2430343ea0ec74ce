"""notify as a process of its own, beside a real Kafka: what a scorer would write, and what came of it."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from prometheus_client.parser import text_string_to_metric_families

from roompulse.kafka_client import make_admin, make_producer
from roompulse.kafka_topics import create_topics
from roompulse.records import Alert, FleetEvent, encode
from roompulse.settings import Settings
from roompulse.topics import Topics
from watch.notify.records import ENDS

WAIT_S = 60.0
PARTITIONS = 2
Found = TypeVar("Found")


class Written:
    """Topics of a test's own, and what is written to them, transactions and all."""

    def __init__(self, bootstrap: str) -> None:
        self.prefix = f"{uuid.uuid4().hex[:8]}."
        self.settings = Settings(bootstrap_servers=bootstrap, topic_prefix=self.prefix)
        self.topics = Topics(self.prefix)
        create_topics(self.settings, self.topics, PARTITIONS)
        self._producer = make_producer(self.settings, f"scorer-{self.prefix}")
        self._producer.init_transactions()

    def write(self, *records: Alert | FleetEvent, partition: int = 0, commit: bool = True) -> None:
        """Write records in one transaction, open alerts to the compacted topic as well."""
        self._producer.begin_transaction()
        for record in records:
            if isinstance(record, FleetEvent):
                self._producer.send(self.topics.fleet, encode(record), str(partition).encode(), partition=partition)
                continue
            value, key = encode(record), record.alert_id.encode()
            self._producer.send(self.topics.alerts, value, record.room_id.encode(), partition=partition)
            state = None if record.event in ENDS else value
            self._producer.send(self.topics.alerts_open, state, key, partition=partition)
        if commit:
            self._producer.commit_transaction()
        else:
            self._producer.abort_transaction()

    def write_raw(self, *values: bytes, partition: int = 0) -> None:
        """Write to the alert topic what no scorer would."""
        self._producer.begin_transaction()
        for value in values:
            self._producer.send(self.topics.alerts, value, b"x", partition=partition)
        self._producer.commit_transaction()

    def committed(self, group: str) -> int:
        """How far a group is on both topics, together."""
        with make_admin(self.settings) as admin:
            offsets = admin.list_group_offsets(group)[group]
        return sum(offset.offset for offset in offsets.values())

    def close(self) -> None:
        """Disconnect."""
        self._producer.close(timeout=1)


class Notify:
    """One process, to be used as a context; leaving it kills what has not ended by then."""

    def __init__(self, written: Written, folder: Path, *arguments: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._prefix = written.prefix
        self._out, self._err = folder / "stdout", folder / "stderr"
        command = [
            sys.executable, "-m", "roompulse", "notify", "--bootstrap-servers", written.settings.bootstrap_servers,
            "--topic-prefix", written.prefix, "--group-id", f"{written.prefix}notify", "--metrics-port", "0",
            "--session-timeout-s", "2", "--json", *arguments,
        ]  # fmt: skip
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(command, stdout=out, stderr=err)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def group(self, target: str) -> str:
        """The name of a target's consumer group."""
        return f"{self._prefix}notify-{target}"

    @property
    def log(self) -> str:
        """What it said so far."""
        return self._err.read_text(encoding="utf-8", errors="replace")

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> dict[str, Any]:
        """Ask it to end; returns its summary."""
        self.process.terminate()
        return self.ended()

    def ended(self) -> dict[str, Any]:
        """Wait for its end; returns its summary."""
        assert self.process.wait(WAIT_S) == 0, self.log
        found: dict[str, Any] = json.loads(self._out.read_text().splitlines()[-1])
        return found

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a page of its HTTP port."""
        port = eventually(lambda: re.search(r"metrics on http://127.0.0.1:(\d+)/", self.log), self)[1]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metric(self, name: str) -> dict[tuple[str, ...], float]:
        """A metric's samples by their label values."""
        families = text_string_to_metric_families(self.get("/metrics")[1])
        samples = (sample for family in families for sample in family.samples if sample.name == name)
        return {tuple(sample.labels.values()): sample.value for sample in samples}


def eventually(look: Callable[[], Found | None], notify: Notify | None = None, wait_s: float = WAIT_S) -> Found:
    """What `look` gives once it gives anything; fails with the log where it does not."""
    deadline = time.monotonic() + wait_s
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.05)
    raise AssertionError(f"did not happen within {wait_s:g} s\n{notify.log if notify is not None else ''}")


def of_ours(alerts: Sequence[dict[str, Any]], prefix: str) -> list[dict[str, Any]]:
    """Those of one test."""
    return [alert for alert in alerts if alert["labels"].get("topic_prefix") == prefix]


class Receiver:
    """An HTTP server that takes posts: `requests` as (path, headers, body); `answers` are given first, then 200."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, str], bytes]] = []
        self.answers: list[tuple[int, dict[str, str]]] = []
        self.refuse: bytes = b""
        receiver = self

        class Answering(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status, headers = receiver.answers.pop(0) if receiver.answers else (200, {})
                if receiver.refuse and receiver.refuse in body:
                    status = 400
                receiver.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
                self.send_response(status)
                for name, value in {"Content-Length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
