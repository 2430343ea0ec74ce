"""Live rooms that never were: traffic with known surges and slumps, for demos, tests and training."""

from roompulse.simulation.anomalies import ALL_ROOMS, Label
from roompulse.simulation.delivery import Delivery, room_name, simulate, simulate_counts
from roompulse.simulation.settings import DEFAULT_START, FleetMove, SimulationSettings

__all__ = [
    "ALL_ROOMS",
    "DEFAULT_START",
    "Delivery",
    "FleetMove",
    "Label",
    "SimulationSettings",
    "room_name",
    "simulate",
    "simulate_counts",
]
