import asyncio
import pgqrs

async def main():
    store = await pgqrs.connect("postgresql://localhost/mydb")

    # Dequeue using iterator pattern
    async for msg in pgqrs.consume_iter(store, "tasks"):
        print(f"ID: {msg.id}")
        print(f"Payload: {msg.payload}")
        print(f"Enqueued at: {msg.enqueued_at}")

        # Archive after processing
        await msg.archive()

asyncio.run(main())
