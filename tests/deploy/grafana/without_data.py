"""The queries that cannot give data in the run, each with the reason. A query that does must not stand here."""

from __future__ import annotations

from collections.abc import Mapping

_CONTROLS = "the scorer takes no control records yet"
_SHADOW = "no challenger is scored yet"
_CONTEST = "the network is not compared with the plain mean yet"
_HALTED = "no partition can be halted yet"

WITHOUT_DATA: Mapping[str, str] = {
    "RoomPulse forecast quality / annotation / Control records": _CONTROLS,
    "RoomPulse forecast quality / Now / Served since": _CONTROLS,
    "RoomPulse forecast quality / Now / Partitions demoted": _CONTEST,
    "RoomPulse forecast quality / Now / Partitions halted": _HALTED,
    "RoomPulse forecast quality / Network against plain mean / Network's error over the plain mean's A": _CONTEST,
    "RoomPulse forecast quality / Network against plain mean / Demoted": _CONTEST,
    "RoomPulse forecast quality / Models / Challenger's error over the champion's": _SHADOW,
    "RoomPulse forecast quality / Models / Mean absolute error by role": _SHADOW,
    "RoomPulse forecast quality / Models / Coverage by role": _SHADOW,
    "RoomPulse forecast quality / Models / Control records": _CONTROLS,
    "RoomPulse pipeline health / annotation / Control records": _CONTROLS,
    "RoomPulse pipeline health / Checkpoint and services / Halted": _HALTED,
}
