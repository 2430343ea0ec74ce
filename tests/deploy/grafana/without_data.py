"""The queries that cannot give data in the run, each with the reason. A query that does must not stand here."""

from __future__ import annotations

from collections.abc import Mapping

WITHOUT_DATA: Mapping[str, str] = {}
