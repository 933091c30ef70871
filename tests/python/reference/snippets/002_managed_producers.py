# Create managed producer with worker tracking details
producer = await store.producer(
    queue="tasks",
    hostname="my-service",
    port=3000
)

msg_id = await producer.enqueue({"task": "process_order"})
