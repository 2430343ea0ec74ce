"""The queries that cannot give data in the run, each with the reason. A query that does must not stand here."""

from __future__ import annotations

from collections.abc import Mapping

_CONTROLS = "control records are not written yet"
_NOTIFY = "`roompulse notify` is not part of the run yet"
_RULES = "the rules of the service are not there yet"
_STANDING = "the scorer does not export it yet"
_FLEET, _FORECAST, _PIPELINE = (f"RoomPulse {name}" for name in ("fleet overview", "forecast quality", "pipeline health"))

WITHOUT_DATA: Mapping[str, str] = {
    f"{_FORECAST} / annotation / Control records": _CONTROLS,
}
