# Python bindings currently require a managed producer object
import pgqrs

store = await pgqrs.connect("postgresql://localhost/mydb")

# Create a simple producer instance
producer = await store.producer("tasks")

# Enqueue message
msg_id = await producer.enqueue({
    "task": "send_email",
    "to": "[email protected]"
})
print(f"Enqueued message ID: {msg_id}")
