messages = await pgqrs.dequeue(consumer, batch_size=10)
