"""Minutes as text: what is accepted, what is refused, and that nothing is lost on the way there and back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from roompulse import minutes
from roompulse.minutes import ZULU, Minute, epoch_of, format_minute, offset_of, parse_clock, parse_minute


@pytest.mark.parametrize(
    ("text", "epoch", "offset"),
    [
        ("1970-01-01T00:00:00Z", 0, ZULU),
        ("1970-01-01T00:00:00+00:00", 0, 0),
        ("1970-01-01T08:00:00+08:00", 0, 480),
        ("1970-01-01 08:00:00+08:00", 0, 480),
        ("1970-01-01t00:00:00z", 0, ZULU),
        ("1970-01-01T00:00:00.000Z", 0, ZULU),
        ("1970-01-01T00:00:00-00:00", 0, 0),
        ("1970-01-02T05:00:00+05:30", 1410, 330),
        ("1970-01-01T00:00:00-03:30", 210, -210),
        ("1970-01-01T00:00:00+23:59", -1439, 1439),
        ("2000-02-29T23:59:00Z", 11_016 * 1440 + 1439, ZULU),
        ("2999-12-31T23:59:00-23:59", parse_minute("2999-12-31T00:00:00Z").epoch + 2 * 1440 - 2, -1439),
    ],
)
def test_an_accepted_minute(text: str, epoch: int, offset: int) -> None:
    """Every form that RFC 3339 allows, with the offset that was written."""
    assert parse_minute(text) == Minute(epoch, offset)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "expected RFC 3339 with an offset"),
        ("2024-05-01", "expected RFC 3339 with an offset"),
        ("2024-05-01T12:00:00", "expected RFC 3339 with an offset"),
        ("2024-05-01T12:00+08:00", "expected RFC 3339 with an offset"),
        ("2024-05-01T12:00:00+0800", "expected RFC 3339 with an offset"),
        ("2024-05-01T12:00:00 +08:00", "expected RFC 3339 with an offset"),
        ("2024-05-01T12:00:00+08:00\n", "expected RFC 3339 with an offset"),
        ("２０２４-05-01T12:00:00Z", "expected RFC 3339 with an offset"),
        ("1714536000", "expected RFC 3339 with an offset"),
        ("2024-05-01T12:00:30Z", "expected a whole minute"),
        ("2024-05-01T12:00:60Z", "expected a whole minute"),
        ("2024-05-01T12:00:00.5Z", "expected a whole minute"),
        ("1969-12-31T23:59:00Z", "expected a year from 1970 to 2999"),
        ("3000-01-01T00:00:00Z", "expected a year from 1970 to 2999"),
        ("2024-02-30T12:00:00Z", "expected a day of the calendar"),
        ("2023-02-29T12:00:00Z", "expected a day of the calendar"),
        ("2024-13-01T12:00:00Z", "expected a day of the calendar"),
        ("2024-05-01T24:00:00Z", "expected a time of day"),
        ("2024-05-01T12:60:00Z", "expected a time of day"),
        ("2024-05-01T12:00:61Z", "expected a time of day"),
        ("2024-05-01T12:00:00+24:00", "expected an offset within"),
        ("2024-05-01T12:00:00+08:60", "expected an offset within"),
    ],
)
def test_a_refused_minute_says_what_was_expected(text: str, expected: str) -> None:
    """Each text is wrong in one way, and the error says in which."""
    with pytest.raises(ValueError, match=expected):
        parse_minute(text)


_minutes = st.integers(1440, parse_minute("2999-12-30T00:00:00Z").epoch)
_offsets = st.integers(-1439, 1439) | st.just(ZULU)


@given(_minutes, _offsets)
def test_a_minute_comes_back_as_it_was(epoch: int, offset: int) -> None:
    """Writing and reading are inverse for every minute and offset, and agree with the standard library."""
    text = format_minute(epoch, offset)
    assert parse_minute(text) == (epoch, offset)
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    assert epoch_of(moment) == epoch
    assert offset_of(moment) == (0 if offset == ZULU else offset)


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [
        ("1970-01-01T00:00:01.5Z", 1500),
        ("1970-01-01T08:00:59.999+08:00", 59_999),
        ("1970-01-01T00:00:60Z", 60_000),
        ("1970-01-01T00:00:00+00:01", -60_000),
    ],
)
def test_a_clock_may_lie_within_a_minute(text: str, milliseconds: int) -> None:
    """A record's clock is read to the millisecond."""
    assert parse_clock(text) == milliseconds


def test_a_clock_without_an_offset_is_refused() -> None:
    """Event time always has a zone."""
    with pytest.raises(ValueError, match="expected RFC 3339"):
        parse_clock("2024-05-01T12:00:00")


def test_a_zone_east_by_seconds_is_rounded_down() -> None:
    """Local mean times have seconds, which RFC 3339 has not."""
    east = timezone(timedelta(hours=8, minutes=5, seconds=43))
    assert offset_of(datetime(1900, 1, 1, tzinfo=east)) == 485
    assert epoch_of(datetime(1970, 1, 1, 0, 1, 59, tzinfo=UTC)) == 1
    assert epoch_of(datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)) == -1


def test_a_time_without_a_zone_has_no_offset() -> None:
    """Nothing is assumed of a naive time."""
    with pytest.raises(ValueError, match="with a zone"):
        offset_of(datetime(2024, 5, 1, tzinfo=UTC).replace(tzinfo=None))


def test_the_cache_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is emptied when it is full, and does not keep texts that are longer than anybody writes."""
    monkeypatch.setattr(minutes, "_CACHE_SIZE", 3)
    minutes._cache.clear()
    for minute in range(10):
        assert parse_minute(format_minute(minute, 0)).epoch == minute
        assert len(minutes._cache) <= 3
    long = f"1970-01-01T00:00:00.{'0' * 1000}Z"
    assert parse_minute(long) == (0, ZULU)
    assert long not in minutes._cache
