async with store.consume_iter("tasks") as iterator:
    async for msg in iterator:
        print(msg.payload)
        await iterator.archive(msg.id)
