"""`roompulse board`: a live web page of rooms and alerts, read from the topics like by any other consumer."""
