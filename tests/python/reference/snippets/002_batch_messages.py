# Batch enqueue requires a loop or helper (if available)
messages = [
    {"user_id": 1},
    {"user_id": 2}
]

# Currently executed sequentially in Python unless batch helper exists
for msg in messages:
    await producer.enqueue(msg)
