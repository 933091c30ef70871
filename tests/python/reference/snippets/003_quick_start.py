# High-level consume helper
async def handler(msg):
    print(f"Processing: {msg.payload}")
    return True # Returns True to archive

await pgqrs.consume(store, "tasks", handler)
