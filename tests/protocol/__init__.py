"""A model check of exactly-once: the real loop and checkpoint over a Kafka and a Redis in memory, step by step.

docs/checkpoint.md ("The model check") says what is held, what each guard is, and how to look for longer.
"""
