"""The tests. A package, so that `tests.require` means this folder: tf2onnx installs a top-level `tests` of its own."""
