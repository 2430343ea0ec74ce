"""Records read straight into numbers are those that the strict decoder reads."""

from __future__ import annotations

import json
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from roompulse.channels import CHANNEL_TOTALS, DEFAULT_CHANNELS, NO_CHANNELS, Channels
from roompulse.records import METRICS, decode_minute
from roompulse.straight import straight_reader

_NAMES = [name for _, name in DEFAULT_CHANNELS.vocabulary] + sorted(CHANNEL_TOTALS)
_counts = st.one_of(st.integers(0, 10**12), st.floats(0, 1e12))
_channels = st.dictionaries(st.sampled_from(_NAMES), _counts, max_size=5)
_records = st.fixed_dictionaries(
    {"room_id": st.sampled_from(["a", "房 1"]), "minute": st.text(max_size=5),
     "metrics": st.fixed_dictionaries(
         {"watch_ucnt": st.none() | _counts}, optional=dict.fromkeys(METRICS[1:], st.none() | _counts))},
    optional={"natural": _channels, "paid": _channels, "category": st.none() | st.just("food"), "ended": st.booleans(),
              "other": st.just([1])},
)  # fmt: skip


@given(_records, st.sampled_from([DEFAULT_CHANNELS, NO_CHANNELS, Channels((("paid", _NAMES[1]), ("natural", "搜索")))]))
def test_what_is_read_straight_is_the_record(record: dict[str, Any], channels: Channels) -> None:
    """The same texts and the same series, bit for bit, whichever channels are told apart."""
    value = json.dumps(record).encode()
    reader = straight_reader(channels)
    try:
        straight = reader.read(value)
    except msgspec.MsgspecError:
        return
    full = decode_minute(value)
    for name in ("room_id", "minute", "metrics.watch_ucnt", "category", "ended"):
        assert attrgetter(name)(straight) == attrgetter(name)(full)
    assert reader.columns([straight]).tobytes() == channels.columns([full]).tobytes()


def test_several_records_give_a_row_each() -> None:
    """In their order; what was not measured is NaN."""
    reader = straight_reader(DEFAULT_CHANNELS)
    values = [
        b'{"room_id":"a","minute":"","metrics":{"watch_ucnt":null,"pay_cnt":2}}',
        '{"room_id":"b","minute":"","metrics":{"watch_ucnt":7},"natural":{"搜索":3}}'.encode(),
    ]
    series = reader.columns([reader.read(value) for value in values])
    assert np.array_equal(series, DEFAULT_CHANNELS.columns([decode_minute(value) for value in values]), equal_nan=True)
    assert reader.columns([]).shape == (0, series.shape[1])


def test_a_channel_that_is_not_known_is_left_to_the_decoder() -> None:
    """What this cannot read is no error of the record."""
    value = b'{"room_id":"a","minute":"","metrics":{"watch_ucnt":1},"natural":{"x":1}}'
    with pytest.raises(msgspec.ValidationError):
        straight_reader(DEFAULT_CHANNELS).read(value)
    assert decode_minute(value).natural == {"x": 1}
