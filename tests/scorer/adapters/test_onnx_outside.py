"""A network that names data outside of its own file is refused before onnxruntime sees it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import onnx
import pytest

from roompulse.bundle import Bundle, default_bundle, load_bundle
from roompulse.errors import BundleError
from scorer.adapters import networks
from scorer.adapters.networks import open_forecaster
from scorer.adapters.onnx_outside import INNER, outside_data
from tests.scorer.bundles import bundle_at

Place = Callable[[Any], Any]


@pytest.fixture(scope="module")
def shipped() -> Bundle:
    """The bundle that RoomPulse comes with."""
    return load_bundle(default_bundle())


def outside(model: bytes, tensor_in: Place, location: str | None) -> bytes:
    """The network with one more tensor, at the place that `tensor_in` makes, whose data lie elsewhere."""
    network = onnx.load_from_string(model)
    tensor = tensor_in(network)
    tensor.CopyFrom(onnx.TensorProto(name="elsewhere", dims=[2], data_type=onnx.TensorProto.FLOAT))
    tensor.data_location = onnx.TensorProto.EXTERNAL
    if location is not None:
        tensor.external_data.add(key="offset", value="0")
        tensor.external_data.add(key="location", value=location)
    return bytes(network.SerializeToString())


PLACES: dict[str, Place] = {
    "weight": lambda m: m.graph.initializer.add(),
    "sparse weight": lambda m: m.graph.sparse_initializer.add().values,
    "indices": lambda m: m.graph.sparse_initializer.add().indices,
    "constant": lambda m: m.graph.node[0].attribute.add(name="value").t,
    "constants": lambda m: m.graph.node[0].attribute.add(name="value").tensors.add(),
    "branch": lambda m: m.graph.node[0].attribute.add(name="then").g.node.add().attribute.add().g.initializer.add(),
    "function": lambda m: m.functions.add().node.add().attribute.add().t,
    "default of a function": lambda m: m.functions.add().attribute_proto.add().sparse_tensor.values,
    "training": lambda m: m.training_info.add().algorithm.initializer.add(),
}


@pytest.mark.parametrize("place", PLACES)
def test_data_outside_are_found_wherever_a_tensor_can_lie(shipped: Bundle, place: str) -> None:
    """In weights, constants, branches within branches, functions, and where onnxruntime itself never looks."""
    assert outside_data(outside(shipped.model, PLACES[place], "../../etc/passwd")) == ["../../etc/passwd"]


def test_every_place_of_onnx_s_own_schema_is_followed() -> None:
    """The table of fields is what onnx.proto says: each message that can hold a tensor, by each of its fields."""
    fields: dict[str, dict[int, str]] = {}
    waiting = [onnx.ModelProto.DESCRIPTOR]
    while waiting:
        message = waiting.pop()
        if message.name not in fields:
            inner = [field for field in message.fields if field.message_type]
            fields[message.name] = {field.number: field.message_type.name for field in inner}
            waiting += [field.message_type for field in inner]
    holding = {"TensorProto"}
    while more := {name for name, inner in fields.items() if holding & set(inner.values())} - holding:
        holding |= more
    expected = {n: {number: inner for number, inner in fields[n].items() if inner in holding} for n in holding}
    assert expected == INNER
    tensor = onnx.TensorProto.DESCRIPTOR.fields_by_name
    assert (tensor["external_data"].number, tensor["data_location"].number) == (13, 14)


@pytest.mark.parametrize("location", ["../../etc/passwd", "/etc/passwd", "weights.bin", None])
def test_a_bundle_with_data_outside_is_refused_before_onnxruntime_loads_it(
    tmp_path: Path, shipped: Bundle, location: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hashes do not help against an author who means harm: the whole bundle is theirs. A file beside is no better."""
    bundle = dataclasses.replace(bundle_at(tmp_path / "b"), model=outside(shipped.model, PLACES["weight"], location))
    monkeypatch.setattr(networks, "open_step", lambda bundle: pytest.fail("onnxruntime was asked"))
    with pytest.raises(BundleError, match="keeps weights outside of the file") as refused:
        open_forecaster(bundle)
    assert repr(location or "") in str(refused.value)
    assert "model.onnx" in str(refused.value)


def test_networks_that_hold_everything_pass(shipped: Bundle) -> None:
    """The shipped network names nothing outside."""
    assert outside_data(shipped.model) == []


@pytest.mark.parametrize(
    "model",
    [
        b"\x18\x00\x00\x00ORTM\x00\x00\x00\x00",  # onnxruntime's own format, which keeps data elsewhere in other ways
        b"\x3b\x3c",  # a group
        b"\x3a\x05ab",  # shorter than it says
        b"\x3a",  # nothing after the tag
        b"\xba\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00",  # a number without an end
        b"\xba\x80\x80\x80\x10\x00",  # graph, for a reader that keeps 32 bits of a tag
    ],
)
def test_what_is_no_plain_protobuf_is_refused(shipped: Bundle, model: bytes) -> None:
    """Nothing is let through that two readers could read in two ways."""
    with pytest.raises(ValueError, match="not an ONNX file"):
        outside_data(model)
    with pytest.raises(BundleError, match="not an ONNX file"):
        open_forecaster(dataclasses.replace(shipped, model=model))


def test_damage_never_hides_what_onnx_itself_still_finds(shipped: Bundle) -> None:
    """Bytes changed at random: whatever onnx can still read with data outside is refused in one way or the other."""
    chance, small = Random(7), onnx.ModelProto(ir_version=8)
    small.graph.node.add(op_type="If")
    model = outside(small.SerializeToString(), PLACES["branch"], "weights.bin")
    readable = 0
    for _ in range(3000):
        damaged = bytearray(model)
        for _ in range(chance.choice((1, 1, 2))):
            damaged[chance.randrange(len(damaged))] = chance.choice((chance.randrange(256), 0, 0x3A, 0x70, 0x80))
        try:
            read = onnx.load_from_string(bytes(damaged))
        except Exception:  # noqa: BLE001 - whatever it says, it does not read it
            continue
        branches = [attribute.g for node in read.graph.node for attribute in node.attribute]
        inner = [attribute.g for graph in branches for node in graph.node for attribute in node.attribute]
        tensors = [tensor for graph in (*branches, *inner) for tensor in graph.initializer]
        if any(tensor.data_location == onnx.TensorProto.EXTERNAL for tensor in tensors):
            readable += 1
            try:
                assert outside_data(bytes(damaged))
            except ValueError:
                continue
    assert readable > 300
