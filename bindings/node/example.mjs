// Stores a message, takes it, and finishes it.
import pgqrs from 'pgqrs'

const store = await pgqrs.open('sqlite:///jobs.db', { bootstrap: true })
await store.createQueue('tasks').catch(error => { if (error.code !== 'QUEUE_EXISTS') throw error })

const producer = await store.producer('tasks')
console.log('stored as', await producer.enqueue({ send: 'welcome' }))

const consumer = await store.consumer('tasks')
for await (const message of consumer.messages({ lease: 30_000, wait: 1_000 })) {
  console.log('working on', message.payload)
  await message.archive() // without this it comes back after the lease
}
await store.close()
