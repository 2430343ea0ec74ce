"""The network of a bundle, of whatever kind, ready to forecast."""

from __future__ import annotations

from roompulse.bundle import HOTSPOT, MODEL, Bundle
from roompulse.errors import BundleError
from scorer.adapters.onnx_forecaster import open_step
from scorer.adapters.onnx_outside import outside_data
from scorer.adapters.onnx_session import ORT_ERRORS
from scorer.adapters.window_forecaster import open_window
from scorer.ports import Forecaster


def open_forecaster(bundle: Bundle) -> Forecaster:
    """Start the bundle's network and have it repeat the golden vectors.

    Raises BundleError where it is not one to be served, where it names data outside of the bundle, where onnxruntime
    cannot run the file, or where something else comes out than when it was written.
    """
    refuse_offline(bundle)
    window = bundle.specification.window
    try:
        if outside := outside_data(bundle.model):
            raise BundleError(
                f"{bundle.folder / MODEL}: keeps weights outside of the file ({outside[0][:200]!r}); a bundle's "
                "network is one file that holds everything"
            )
        return open_step(bundle) if window is None else open_window(bundle, window)
    except (*ORT_ERRORS, ValueError) as error:
        raise BundleError(f"{bundle.folder}: onnxruntime cannot run the network: {error}") from error


def refuse_offline(bundle: Bundle) -> None:
    """Raise BundleError for a network that is not made to be served."""
    if bundle.specification.kind == HOTSPOT:
        raise BundleError(
            f"{bundle.folder}: a 'hotspot' network is for the offline study of slow series; what can be served are "
            "'step' networks, and 'window' networks such as univariate-1, univariate-2 and multivariate"
        )
