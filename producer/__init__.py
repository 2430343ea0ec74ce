"""Puts room-minutes on the topic: replays of history and simulated traffic."""
