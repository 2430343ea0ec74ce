"""The domain that producer, trainer, scorer and watch share: records, minutes, features, room state, settings."""

__version__ = "0.1.0"
