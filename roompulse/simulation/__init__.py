"""Live rooms that never were: traffic with known surges and slumps, for demos, tests and training."""

from roompulse.simulation.anomalies import Label
from roompulse.simulation.delivery import Delivery, room_name, simulate, simulate_counts
from roompulse.simulation.settings import DEFAULT_START, SimulationSettings

__all__ = [
    "DEFAULT_START",
    "Delivery",
    "Label",
    "SimulationSettings",
    "room_name",
    "simulate",
    "simulate_counts",
]
