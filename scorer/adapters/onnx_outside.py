"""Whether an ONNX file names data outside of itself.

A tensor may say "my numbers are at that offset of that file", and the file's name is whatever the model's author wrote:
`../../etc/passwd` as well as `weights.bin`. A bundle is one verified file, so such a network is refused before
onnxruntime sees it. The file is read here as protobuf's wire format says (protobuf.dev/programming-guides/encoding),
along the few fields of onnx.proto in which a tensor can lie; what is not plain protobuf is no ONNX file.
"""

from __future__ import annotations

from collections.abc import Iterator

_TENSOR = "TensorProto"
INNER: dict[str, dict[int, str]] = {
    "ModelProto": {7: "GraphProto", 20: "TrainingInfoProto", 25: "FunctionProto"},
    "TrainingInfoProto": {1: "GraphProto", 2: "GraphProto"},
    "GraphProto": {1: "NodeProto", 5: _TENSOR, 15: "SparseTensorProto"},
    "FunctionProto": {7: "NodeProto", 11: "AttributeProto"},
    "NodeProto": {5: "AttributeProto"},
    "AttributeProto": {
        5: _TENSOR, 6: "GraphProto", 10: _TENSOR, 11: "GraphProto", 22: "SparseTensorProto", 23: "SparseTensorProto",
    },
    "SparseTensorProto": {1: _TENSOR, 2: _TENSOR},
    _TENSOR: {},
}  # fmt: skip
"""By message: the fields that hold a tensor, or something that may hold one."""
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14
_KEY, _VALUE = 1, 2
_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5


def outside_data(model: bytes) -> list[str]:
    """The files that tensors of this network name; "" where one says "outside" and not where.

    Raises ValueError where it is no ONNX file.
    """
    found: list[str] = []
    waiting: list[tuple[str, memoryview]] = [("ModelProto", memoryview(model))]  # no recursion: the depth is the file's
    while waiting:
        name, data = waiting.pop()
        inner = INNER[name]
        outside, location = False, ""
        for number, value in _fields(data):
            if number in inner and isinstance(value, memoryview):
                waiting.append((inner[number], value))
            elif name == _TENSOR and number == _DATA_LOCATION:
                outside = outside or value != 0
            elif name == _TENSOR and number == _EXTERNAL_DATA:
                outside, location = True, _location(value) or location
        if outside:
            found.append(location)
    return found


def _location(entry: int | memoryview) -> str:
    """The value of an entry of the key "location"; empty for others."""
    if isinstance(entry, int):
        return ""
    texts = {number: bytes(value) for number, value in _fields(entry) if isinstance(value, memoryview)}
    return texts.get(_VALUE, b"").decode("utf-8", "replace") if texts.get(_KEY) == b"location" else ""


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """Each field of a message with its number; what is fixed in width is passed over. Raises ValueError."""
    place = 0
    while place < len(data):
        tag, place = _varint(data, place)
        number, kind = tag >> 3, tag & 7
        if not 0 < number < 1 << 29:
            raise ValueError("not an ONNX file")
        if kind == _VARINT:
            value, place = _varint(data, place)
            yield number, value
            continue
        size = {_FIXED_64: 8, _FIXED_32: 4}.get(kind)
        if kind == _BYTES:
            size, place = _varint(data, place)
        if size is None or place + size > len(data):  # a group, which onnx.proto has none of, or an end before its time
            raise ValueError("not an ONNX file")
        if kind == _BYTES:
            yield number, data[place : place + size]
        place += size


def _varint(data: memoryview, place: int) -> tuple[int, int]:
    """A number of 7 bits a byte, the low ones first, and the place behind it. Raises ValueError."""
    value = 0
    for shift in range(0, 70, 7):
        if place >= len(data):
            break
        value |= (data[place] & 0x7F) << shift
        place += 1
        if data[place - 1] < 0x80:
            return value, place
    raise ValueError("not an ONNX file")
