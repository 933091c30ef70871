# Use enqueue_delayed specific method
await producer.enqueue_delayed(
    {"reminder": "Follow up"},
    delay_seconds=300
)
