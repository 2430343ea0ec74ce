"""The three pages. Each is one element; its component in `web` draws what the views say, once a second."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import nicegui.elements.echart  # noqa: F401  # what brings ECharts to the browser
from nicegui import context, ui
from nicegui.element import Element
from nicegui.events import GenericEventArguments

from watch.board.alert_book import KINDS, Wanted
from watch.board.bundles import Bundles
from watch.board.model_page_view import model_view
from watch.board.reader import Reader
from watch.board.room_page_view import room_view
from watch.board.skill import JUDGED_HORIZONS
from watch.board.views import feed_view, hot_view, pulse_view, skill_view

REFRESH_S = 1.0
SKILL_S = 5.0
_MOST_WORDS = 200
_MOST_FOUND = 8

HEAD = '<link rel="stylesheet" href="/assets/board.css">\n<script src="/assets/theme.js"></script>'


class Shared:
    """What all open pages show alike, worked out once however many there are."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self._made: dict[str, tuple[float, Any]] = {}

    def pulse(self) -> dict[str, Any]:
        """The top of every page."""
        found: dict[str, Any] = self._kept("pulse", REFRESH_S, self._pulse)
        return found

    def hot(self) -> dict[str, Any]:
        """The hottest rooms."""
        found: dict[str, Any] = self._kept("hot", REFRESH_S, lambda: hot_view(self.reader.state))
        return found

    def skill(self) -> list[dict[str, Any]]:
        """How good the forecasts are."""
        found: list[dict[str, Any]] = self._kept("skill", SKILL_S, lambda: skill_view(self.reader.state))
        return found

    def _pulse(self) -> dict[str, Any]:
        reader = self.reader
        return pulse_view(reader.state, time.time()) | {
            "trouble": reader.trouble,
            "catching_up": reader.catching_up,
        }

    def _kept(self, name: str, for_s: float, make: Callable[[], Any]) -> Any:
        now = time.monotonic()
        made = self._made.get(name)
        if made is None or now - made[0] >= 0.9 * for_s:
            with self.reader.lock:
                made = self._made[name] = now, make()
        return made[1]


class Page(Element):
    """An element that fills the window. What it shows is sent once the browser is connected, never within the HTML."""

    def __init__(self, shared: Shared) -> None:
        super().__init__()
        self._shared = shared
        self._sent: dict[str, Any] = {}
        self.on("find", self._find, args=[None])
        ui.timer(REFRESH_S, self.refresh)

    def view(self) -> dict[str, Any]:
        """What to show now."""
        raise NotImplementedError

    def refresh(self) -> None:
        """Send what there is to show, if it has changed."""
        view = {"pulse": self._shared.pulse()} | self.view()
        if view != self._sent:
            self._sent = view
            self.props["view"] = view

    def _find(self, event: GenericEventArguments) -> None:
        """List rooms whose name holds what was typed."""
        typed = _text(event.args).casefold()
        with self._shared.reader.lock:
            names = self._shared.reader.state.rooms.names()
        found = sorted((name for name in names if typed in name.casefold()), key=lambda name: (len(name), name))
        self.props["found"] = found[:_MOST_FOUND] if typed else []


class BoardPage(Page, component="web/board.js", esm={"roompulse-board": "web"}):
    """Hot rooms and the feed of alerts."""

    def __init__(self, shared: Shared) -> None:
        super().__init__(shared)
        self._wanted = Wanted()
        self.on("wanted", self._want, args=[None])

    def view(self) -> dict[str, Any]:
        """Everything on the first page."""
        reader = self._shared.reader
        view = {"hot": self._shared.hot(), "skill": self._shared.skill()}
        with reader.lock:
            return view | {"feed": feed_view(reader.state.alerts, self._wanted)}

    def _want(self, event: GenericEventArguments) -> None:
        asked = event.args if isinstance(event.args, dict) else {}
        chosen = asked.get("kinds")
        kinds = tuple(kind for kind in KINDS if isinstance(chosen, list) and kind in chosen)
        self._wanted = Wanted(kinds, asked.get("only_open") is True, _text(asked.get("words")))
        self.refresh()


class RoomPage(Page, component="web/room.js", esm={"roompulse-board": "web"}):
    """One room."""

    def __init__(self, shared: Shared, room_id: str) -> None:
        super().__init__(shared)
        self._room_id = room_id
        self._origin: int | None = None
        self._lead = JUDGED_HORIZONS[0]
        self.on("choose", self._choose, args=[None])

    def view(self) -> dict[str, Any]:
        """Everything about the room."""
        reader = self._shared.reader
        with reader.lock:
            return {"room": room_view(reader.state, self._room_id, self._origin, self._lead)}

    def _choose(self, event: GenericEventArguments) -> None:
        asked = event.args if isinstance(event.args, dict) else {}
        origin, lead = asked.get("origin"), asked.get("lead")
        self._origin = origin if isinstance(origin, int) else None
        self._lead = lead if lead in JUDGED_HORIZONS else JUDGED_HORIZONS[0]
        self.refresh()


class ModelPage(Page, component="web/model.js", esm={"roompulse-board": "web"}):
    """Who makes the forecasts, and how good they are."""

    def __init__(self, shared: Shared, bundles: Bundles) -> None:
        super().__init__(shared)
        self._bundles = bundles

    def view(self) -> dict[str, Any]:
        """The newest model's card and the live figures."""
        reader = self._shared.reader
        with reader.lock:
            return {"model": model_view(reader.state, self._bundles.find)}


def add_pages(reader: Reader, bundles: Bundles) -> None:
    """Declare the pages."""
    shared = Shared(reader)
    ui.add_head_html(HEAD, shared=True)

    @ui.page("/", title="RoomPulse")
    def board() -> None:
        with context.client.layout:
            BoardPage(shared)

    # A browser takes the names . and .. in a path for itself: for rooms of that name there is /room?id=.
    @ui.page("/room", title="RoomPulse: room")
    def room_by_id(id: str = "") -> None:
        with context.client.layout:
            RoomPage(shared, id)

    @ui.page("/room/{room_id:path}", title="RoomPulse: room")
    def room(room_id: str) -> None:
        with context.client.layout:
            RoomPage(shared, room_id)

    @ui.page("/model", title="RoomPulse: model")
    def model() -> None:
        with context.client.layout:
            ModelPage(shared, bundles)


def _text(given: object) -> str:
    return given.strip()[:_MOST_WORDS] if isinstance(given, str) else ""
