await pgqrs.delete(consumer, msg)
