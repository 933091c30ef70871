import asyncio
import pgqrs

async def main():
    store = await pgqrs.connect("postgresql://localhost/mydb")
    payload = {
        "action": "send_email",
        "to": "[email protected]"
    }
    msg_id = await pgqrs.produce(store, "tasks", payload)
    print(f"Message ID: {msg_id}")

asyncio.run(main())
