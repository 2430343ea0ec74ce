"""`roompulse board`: a live web page of hot rooms and alerts. Reads the topics, writes nothing."""

from __future__ import annotations

import argparse
import importlib.util
import logging
import os

from roompulse.errors import UsageError
from roompulse.settings import KAFKA, add_settings, load_kind, load_settings
from roompulse.stderr_log import log_to_stderr
from watch.board.bundles import Bundles
from watch.board.reader import Reader
from watch.board.settings import BoardSettings

EXAMPLES = """\
examples:
  roompulse board
  roompulse board --port 8080 --history 15m
  roompulse board --bootstrap-servers kafka:9092 --host 0.0.0.0"""

_log = logging.getLogger("roompulse.board")


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.epilog = f"{EXAMPLES}\n\n{parser.epilog}"
    add_settings(parser, "board_host", "board_port", "history", kind=BoardSettings)
    add_settings(parser, *KAFKA, "topic_prefix", "connect_timeout_s", "model", "registry", "log_level", "log_format")


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C. Returns 0. Raises RoomPulseError."""
    own, settings = load_kind(BoardSettings, args), load_settings(args)
    if importlib.util.find_spec("nicegui") is None:
        raise UsageError("NiceGUI is not installed, which draws the board: pip install 'roompulse[board]'")
    # Before the web framework: it takes a second to load, and an error should be told at once.
    reader = Reader(settings, own.history_s)
    log_to_stderr(settings.log_level, settings.log_format)
    # Its own folder for settings of users would appear where we are started; there is nothing to keep.
    os.environ.setdefault("NICEGUI_STORAGE_PATH", os.devnull)
    from watch.board.server import make_app, open_port, serve

    listening = open_port(own.board_host, own.board_port)
    host = f"[{own.board_host}]" if ":" in own.board_host else own.board_host
    address = f"http://{host}:{listening.getsockname()[1]}/"
    reader.start()
    try:
        app = make_app(reader, Bundles(settings), own.board_host)
        serve(app, listening, lambda: _log.info("ready: Kafka at %s, board on %s", settings.bootstrap_servers, address))
    finally:
        reader.close()
        listening.close()
    return 0
