"""`roompulse feedback ALERT_ID`: says whether an alert was worth the attention, which moves its room's threshold."""

from __future__ import annotations

import argparse

from producer.saying import add_saying_options, say
from roompulse.words import VERDICTS, Feedback

EXAMPLES = """\
examples:
  roompulse feedback 9d643668f5e36d6d --room room-17 --verdict useful
  roompulse feedback 9d643668f5e36d6d --room room-17 --verdict noise --note lottery"""


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the command's options."""
    parser.epilog = f"{EXAMPLES}\n\n{parser.epilog}"
    parser.add_argument("alert_id", metavar="ALERT_ID", help="the alert's id: 16 hexadecimal digits")
    parser.add_argument("--room", required=True, metavar="ROOM", help="the alert's room")
    parser.add_argument(
        "--verdict", required=True, choices=VERDICTS, help="noise raises the room's bar, useful lowers it a little"
    )
    add_saying_options(parser)


def run(args: argparse.Namespace) -> int:
    """Send the verdict. Returns 0. Raises RoomPulseError."""
    return say(args, Feedback(args.room, args.alert_id, args.verdict, args.note))
