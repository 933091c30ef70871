# Method is named 'extend_vt' in Python
await consumer.extend_vt(msg.id, 30)
# OR helper
await pgqrs.extend_vt(consumer, msg, 30)
