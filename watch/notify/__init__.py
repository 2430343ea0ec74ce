"""`roompulse notify`: forwards alerts and fleet events to Alertmanager and to a webhook."""
