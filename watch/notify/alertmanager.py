"""Alertmanager's v2 API: post alerts, and ask what it shows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import quote

import msgspec

from watch.notify.http_target import Answer, HttpTarget, TargetAway
from watch.notify.posting import SOURCE, Posting

_JSON = {"Content-Type": "application/json"}
_QUESTION = "/api/v2/alerts?active=true&inhibited=true&silenced=true&unprocessed=true&filter="


class _Shown(msgspec.Struct, frozen=True, rename="camel"):
    """An alert as the API gives it, as far as it is of interest here."""

    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: str
    ends_at: str


_shown = msgspec.json.Decoder(list[_Shown])
_encode = msgspec.json.Encoder().encode


class Alertmanager:
    """One Alertmanager. Its methods raise TargetAway where it does not answer."""

    def __init__(self, url: str) -> None:
        """`url` is where its pages are, without /api."""
        self._target = HttpTarget(url)

    def post(self, postings: Sequence[Posting]) -> Answer:
        """Post alerts in one request. An empty one is accepted as well, and shows that the way is open."""
        return self._target.post("/api/v2/alerts", _encode([posting.as_json() for posting in postings]), _JSON)

    def shown(self, matcher: str = f'source="{SOURCE}"') -> list[Posting]:
        """Every alert that it holds as active and that matches, whoever posted it; muted ones too."""
        answer = self._target.get(_QUESTION + quote(matcher, safe=""))
        if not answer.accepted:
            raise TargetAway(answer.said)
        try:
            found = _shown.decode(answer.body)
            return [
                Posting(frozenset(one.labels.items()), one.annotations, _seconds(one.starts_at), _seconds(one.ends_at))
                for one in found
            ]
        except (msgspec.MsgspecError, ValueError) as error:
            raise TargetAway(f"not the answer of an Alertmanager: {error}") from error

    def close(self) -> None:
        """Disconnect."""
        self._target.close()


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
