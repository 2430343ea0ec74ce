"""The crash matrix: whatever happens to scorer, broker, Redis and network, what is committed stays the same bytes."""
