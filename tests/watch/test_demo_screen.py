"""The demo's picture on screens of all sizes, with other people's text in it."""

from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from tests.watch.records import START, alert_record, event, forecast, hotlist
from watch.demo_display import LiveDisplay
from watch.demo_screen import Standing, screen, wrapped
from watch.glyphs import ASCII, UNICODE, Glyphs
from watch.overview import Overview

HOSTILE = "[red]x[/] \x1b[2J\x9b31m\u202eevil\u2066"


def busy(rooms: int = 40, alerts: int = 12) -> Overview:
    """An hour of many rooms, some of them in an alert."""
    overview = Overview()
    names = [f"room-{number:05d}" for number in range(rooms)]
    for minute in range(60):
        overview.take([event(name, minute, 100 + place + minute) for place, name in enumerate(names)], float(minute))
        overview.take([forecast(name, minute) for name in names], float(minute))
    overview.take([hotlist(59, 0, [(name, 500.0 - place) for place, name in enumerate(names)])], 59.0)
    sentence = (
        "Room surges: 907 people entered at 18:13, where 469 were expected; natural 直播推荐 went from 395 to 633."
    )
    overview.take([alert_record(name, "surge", 50, text=sentence) for name in names[:alerts]], 59.0)
    return overview


def drawn(overview: Overview, width: int, height: int, glyphs: Glyphs = UNICODE, **standing: object) -> list[str]:
    """The picture's lines, as a terminal of this size would show them."""
    file = io.StringIO()
    console = Console(
        file=file, width=width, height=height, force_terminal=True, color_system=None, legacy_windows=False
    )
    told = Standing(60.0, 20, "http://127.0.0.1:9108/metrics", 59.0, **standing)  # type: ignore[arg-type]
    console.print(screen(overview, told, glyphs, width, height))
    return file.getvalue().rstrip("\n").splitlines()


@pytest.mark.parametrize(("width", "height"), [(80, 24), (140, 40), (200, 60), (60, 15), (40, 24), (20, 8)])
@pytest.mark.parametrize(("rooms", "alerts"), [(1, 0), (3, 3), (40, 12), (40, 40)])
def test_the_picture_fits_the_screen(width: int, height: int, rooms: int, alerts: int) -> None:
    """No line is wider, and from 12 lines up there are no more lines than the screen has."""
    lines = drawn(busy(rooms, alerts), width, height)
    assert max(map(cell_len, lines)) <= width
    assert len(lines) <= max(height, 12)


def test_it_shows_hot_rooms_first_with_sparkline_forecast_and_deviation() -> None:
    """The hottest first: what came, what was forecast, by how much it is above, and the sign of its open alert."""
    lines = drawn(busy(), 100, 30)
    row = next(line for line in lines if "room-00000" in line)
    assert row.startswith("▲ room-00000")
    assert "█" in row
    assert row.split()[-4:] == ["600", "100", "+500", "%"]
    assert lines.index(row) < lines.index(next(line for line in lines if "room-00001" in line))


def test_alerts_that_do_not_fit_are_counted() -> None:
    """The title says how many are open and how many of them are here."""
    text = "\n".join(drawn(busy(alerts=12), 80, 24))
    assert "open alerts: 12, the newest 4 here" in text
    assert "907 people entered" in text


def test_it_says_how_the_pipeline_is_doing_and_where_the_metrics_are() -> None:
    """Rooms, forecasts and alerts so far, the address, the end of the warm-up, and that it is ending."""
    text = "\n".join(drawn(busy(), 120, 30))
    for part in ("18:59", "40 rooms", "2,400 forecasts", "12 alerts", "http://127.0.0.1:9108/metrics", "Ctrl-C"):
        assert part in text
    assert "warming up" not in text
    assert "ending" in "\n".join(drawn(busy(), 120, 30, ending=True))
    young = Overview()
    young.take([forecast("a", 0), forecast("a", 4)], 1.0)
    assert "warming up, 16 minutes to go" in "\n".join(drawn(young, 120, 30))


def test_before_the_first_forecast_it_says_that_it_waits() -> None:
    """No empty screen."""
    assert "waiting for the first forecast" in "\n".join(drawn(Overview(), 80, 24))


def test_other_peoples_text_is_neither_markup_nor_terminal_control() -> None:
    """Brackets stay brackets; escapes, C1 controls and directional marks become replacement characters."""
    overview = Overview()
    overview.take([event(HOSTILE, 0, 5), forecast(HOSTILE, 0), hotlist(0, 0, [(HOSTILE, 9.0)])], 0.0)
    overview.take([alert_record(HOSTILE, "surge", 0, text=f"Room {HOSTILE} surges")], 0.0)
    text = "\n".join(drawn(overview, 140, 24))
    assert "[red]x[/]" in text
    assert START.epoch == overview.minute
    assert not set("\x1b\x9b\u202e\u2066") & set(text)


def test_a_terminal_without_unicode_gets_ascii_signs() -> None:
    """Only the names of channels can still be Chinese."""
    overview = Overview()
    overview.take([event("a", 0, 5), forecast("a", 0), hotlist(0, 0, [("a", 9.0)]), alert_record("a", "slump", 0)], 0.0)
    assert all(line.isascii() for line in drawn(overview, 100, 24, ASCII))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("one two three", ["one two", "three"]),
        ("one two three four five", ["one two", "three f…"]),
        ("直播推荐直播推荐", ["直播推…"]),
        ("", [""]),
    ],
)
def test_sentences_break_between_words_and_end_with_an_ellipsis(text: str, expected: list[str]) -> None:
    """Chinese characters take two cells each."""
    made = wrapped(text, 8, 2, "…")
    assert made == expected
    assert all(cell_len(line) <= 8 for line in made)


def test_a_board_that_has_ended_shows_in_the_picture_and_is_told_after_it() -> None:
    """Its address goes; the line that says why waits until the terminal is given back."""
    assert any("board at http://b/" in line for line in drawn(busy(), 120, 30, board="http://b/", had_board=True))
    lines = drawn(busy(), 120, 30, had_board=True)
    assert any("the board has ended" in line for line in lines)
    assert not any("board" in line for line in drawn(busy(), 120, 30))
    file = io.StringIO()
    console = Console(file=file, width=100, force_terminal=True, color_system=None, legacy_windows=False)
    with LiveDisplay(console) as display:
        display.say("the board has ended, the demo goes on: why")
        assert "why" not in file.getvalue()
    assert file.getvalue().rstrip("\n").endswith("the board has ended, the demo goes on: why")
