"""History in files, as a stream of room-minutes: shared by the producer, the trainer and the backtest."""

from roompulse.history.clones import add_clone_option, clone_rooms
from roompulse.history.departures import Departure, departures
from roompulse.history.options import HistoryOptions, add_history_options, history_options, zone_named
from roompulse.history.read import read_history
from roompulse.history.report import HistoryReport, say_on_stderr
from roompulse.history.rows import HistoryRow, encode_row

__all__ = [
    "Departure",
    "HistoryOptions",
    "HistoryReport",
    "HistoryRow",
    "add_clone_option",
    "add_history_options",
    "clone_rooms",
    "departures",
    "encode_row",
    "history_options",
    "read_history",
    "say_on_stderr",
    "zone_named",
]
