"""Events in; forecasts, alerts and metrics out."""
