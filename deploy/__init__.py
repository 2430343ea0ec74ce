"""How RoomPulse is run: images, compose, Kafka, Redis, Prometheus, Alertmanager, and the same without Docker."""
