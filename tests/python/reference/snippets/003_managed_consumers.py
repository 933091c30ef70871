# Create managed consumer
consumer = await store.consumer("tasks")

# Fetch messages
messages = await pgqrs.dequeue(consumer, batch_size=10)
