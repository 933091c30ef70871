await pgqrs.archive(consumer, msg)
# OR
await consumer.archive(msg.id)
