// Takes everything, archives what is even and gives the rest back: mixed.mjs DSN.
import pgqrs from 'pgqrs'

const store = await pgqrs.open(process.argv[2])
const consumer = await store.consumer('tasks')
const batch = await consumer.dequeue({ batch: 1000, lease: 60_000 })
const even = batch.filter(message => message.payload.n % 2 === 0)
const odd = batch.filter(message => message.payload.n % 2 !== 0)
const outcomes = [...await consumer.archive(even), ...await consumer.release(odd)]
await store.close()
process.exitCode = outcomes.every(Boolean) ? 0 : 1
