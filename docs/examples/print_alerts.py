"""Prints what RoomPulse says of its alerts. Needs `pip install kafka-python lz4`; started again, it goes on."""

import json
import os

from kafka import KafkaConsumer

with KafkaConsumer(
    os.environ.get("TOPIC", "live.room.alerts"),
    bootstrap_servers=os.environ.get("BOOTSTRAP_SERVERS", "127.0.0.1:9092"),
    group_id="print-alerts",  # a name of your own: readers of one group share the work
    isolation_level="read_committed",  # or you read what a scorer gave up
    auto_offset_reset="earliest",
    enable_auto_commit=False,  # an alert counts as read once it has been dealt with
) as consumer:
    while True:
        for record in [one for part in consumer.poll(timeout_ms=1000).values() for one in part]:
            alert = json.loads(record.value)
            print(alert["event"], alert["alert_id"], alert["severity"], alert["text"], flush=True)
        consumer.commit()
