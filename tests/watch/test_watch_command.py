"""`roompulse watch` as a process in a terminal: colour, width, and what comes later."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import uuid

import pytest

from roompulse.embedded import EmbeddedBroker
from roompulse.kafka_client import make_producer
from roompulse.kafka_topics import create_topics
from roompulse.settings import Settings
from roompulse.topics import Topics
from tests.watch.records import alert_record, forecast, hotlist
from watch.feed import Seen

DEADLINE_S = 60.0
COLUMNS = 40
SENTENCE = "Room room-00001 surges: 300 people came, three times the 100 that were expected."
RECORDS = {
    "alerts": alert_record("room-00001", "surge", 5, text=SENTENCE),
    "forecasts": forecast("room-00001", 5, 1200.0),
    "hotlist": hotlist(5, 0, [("room-00001", 5000.0), ("b", 70.0)]),
}
COLOUR = re.compile(r"\x1b\[[0-9;]*(?:3[0-7]|38;[0-9;]+|9[0-7])m")


@pytest.fixture
def settings(embedded_broker: EmbeddedBroker) -> Settings:
    """Topics of its own."""
    settings = Settings(bootstrap_servers=embedded_broker.address, topic_prefix=f"{uuid.uuid4().hex[:8]}.")
    create_topics(settings, Topics(settings.topic_prefix), 1)
    return settings


class Terminal:
    """The command with a terminal of 40 columns as its output."""

    def __init__(self, settings: Settings, *arguments: str, **environment: str) -> None:
        self.said = ""
        self._ours, its = pty.openpty()
        known = {name: value for name, value in os.environ.items() if name not in {"NO_COLOR", "COLORTERM"}}
        flags = ["--bootstrap-servers", settings.bootstrap_servers, "--topic-prefix", settings.topic_prefix]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "roompulse", "watch", *arguments, *flags],
            stdin=subprocess.DEVNULL, stdout=its, stderr=its,
            env=known | {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS), **environment},
        )  # fmt: skip
        os.close(its)

    def read_until(self, part: str) -> str:
        """Read until this was said; everything that was said until then, without colours."""
        deadline = time.monotonic() + DEADLINE_S
        while part not in self.plain:
            assert time.monotonic() < deadline, self.said
            if select.select([self._ours], [], [], 0.2)[0]:
                try:
                    self.said += os.read(self._ours, 65_536).decode()
                except OSError:  # Linux's way to say that nobody has the other end any more
                    assert part in self.plain, self.said
        return self.plain

    @property
    def plain(self) -> str:
        """What was said, without colours."""
        return re.sub(r"\x1b\[[0-9;]*m", "", self.said).replace("\r", "")

    def end(self, number: int | None = None) -> int:
        """Wait for the end, which this signal brings about; the exit code."""
        if number is not None:
            self.process.send_signal(number)
        code = self.process.wait(DEADLINE_S)
        os.close(self._ours)
        return code


def write(settings: Settings, kind: str, record: Seen) -> None:
    topics = Topics(settings.topic_prefix)
    topic = {"alerts": topics.alerts, "forecasts": topics.forecasts, "hotlist": topics.hotlist}[kind]
    producer = make_producer(settings)
    producer.send(topic, record.value)
    producer.flush()
    producer.close()


@pytest.mark.parametrize("kind", ["alerts", "forecasts", "hotlist"])
def test_lines_fit_a_narrow_terminal_and_are_coloured_unless_the_viewer_wants_none(
    settings: Settings, kind: str
) -> None:
    """40 columns; NO_COLOR takes the colours and leaves the same words; --since chooses where to begin."""
    write(settings, kind, RECORDS[kind])
    words = []
    for environment in ({}, {"NO_COLOR": "1"}):
        terminal = Terminal(settings, kind, "--since", "10m", "--room", "room-00001", "--no-follow", **environment)
        last = "expected" if kind == "alerts" else "room-00001"
        words.append(terminal.read_until(last).splitlines())
        assert terminal.end() == 0
        assert max(map(len, words[-1])) <= COLUMNS
        assert bool(COLOUR.search(terminal.said)) is (not environment and kind != "hotlist")
    assert words[0][0] == words[1][0]


def test_what_comes_later_is_shown_as_it_comes_until_ctrl_c(settings: Settings) -> None:
    """--follow is what it does by itself; other kinds are left out; exit code 130."""
    write(settings, "alerts", alert_record("before", "surge", 1))
    terminal = Terminal(settings, "alerts", "--since", "earliest", "--kind", "surge")
    terminal.read_until("Room before surges.")
    write(settings, "alerts", alert_record("other", "slump", 2))
    write(settings, "alerts", alert_record("later", "surge", 3))
    assert "other" not in terminal.read_until("Room later surges.")
    assert terminal.process.poll() is None
    assert terminal.end(signal.SIGINT) == 130
