"""onnxruntime as every network is run by it: on one thread, silent, and held to its golden vectors."""

from __future__ import annotations

import os

import numpy as np
from numpy.typing import NDArray

# From 1.29 on onnxruntime reports its use to its vendor unless told not to before it is imported. A monitor of other
# people's rooms tells nobody anything.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from roompulse.bundle import Bundle
from roompulse.errors import BundleError

TOLERANCE = 1e-4
"""Golden vectors are compared in log space up to this. They are bit-equal on the machine that wrote them; another
processor adds the same products in vectors of another width, or fuses multiplications with additions, and lands up to
about 1e-6 away. A changed feature or weight shows up orders of magnitude above."""

ORT_ERRORS = (
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.InvalidGraph,
    ort_errors.InvalidProtobuf,
    ort_errors.NoModel,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)
"""What onnxruntime raises of a file that it cannot run, or of inputs that do not fit it."""


def open_session(model: bytes) -> ort.InferenceSession:
    """Start a network on one thread. Raises one of ORT_ERRORS."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    # Batches differ in size all the time: a plan of the memory per size would be made anew and kept for each.
    options.enable_mem_pattern = False
    options.log_severity_level = 3
    return ort.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def compare(
    bundle: Bundle,
    what: str,
    got: NDArray[np.float32] | NDArray[np.float64],
    expected: NDArray[np.float32] | NDArray[np.float64],
) -> None:
    """Raise BundleError where the golden `what` come out further away than TOLERANCE."""
    distance = float(np.max(np.abs(got - expected)))
    if not distance <= TOLERANCE:  # NaN is a disagreement too
        raise BundleError(
            f"{bundle.folder}: the golden {what} come out differently here (by {distance:.2g}, at most {TOLERANCE:g})"
        )
