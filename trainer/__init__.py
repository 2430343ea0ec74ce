"""History in, a model bundle out: the only place that knows TensorFlow."""

import os

# TensorFlow reads these when it is first imported, by whichever module that is.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # it greets every start with a page of notices
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # those kernels may add in another order
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
# The same for onnxruntime, which would report its use to its vendor.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
