"""Readers of what the scorer wrote: terminal views and the demo."""
