"""RoomPulse on Kubernetes: what kustomize renders, and the one file of it that is made from another."""
