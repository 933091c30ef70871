'use strict'
// Runs the vectors of tests/vectors; the README there says how.
//
//     node vectors.js DIRECTORY < lines of "FILE/NAME DSN"

const fs = require('node:fs')
const path = require('node:path')
const pgqrs = require('../lib/index.js')

const message = m => ({ id: m.id, payload: m.payload, read_ct: m.readCt, dead_reason: m.deadReason })
const messages = list => list.map(message)

const operations = {
  create_queue: ({ store }, v) => store.createQueue(v.queue, { maxReadCt: v.max_read_ct }),
  get_queue: ({ store }, v) => store.getQueue(v.queue),
  list_queues: ({ store }) => store.listQueues(),
  delete_queue: ({ store }, v) => store.deleteQueue(v.queue),
  purge_queue: ({ store }, v) => store.purgeQueue(v.queue),
  metrics: ({ store }, v) => store.metrics(v.queue),
  producer: ({ store }, v) => store.producer(v.queue),
  consumer: ({ store }, v) => store.consumer(v.queue),
  enqueue: ({ worker }, v) => worker.enqueue(v.payload, { delay: v.delay_ms, dedupKey: v.dedup_key }),
  enqueue_batch: ({ worker }, v) => worker.enqueueBatch(v.payloads, { dedupKeys: v.dedup_keys }),
  dequeue: async ({ worker }, v) =>
    messages(await worker.dequeue({ batch: v.batch, lease: v.lease_ms, wait: v.wait_ms })),
  archive: ({ worker }, v) => worker.archive(v.ids),
  delete: ({ worker }, v) => worker.delete(v.ids),
  release: ({ worker }, v) => worker.release(v.ids),
  extend_vt: ({ worker }, v) => worker.extend(v.ids, v.extend_ms),
  suspend: ({ worker }) => worker.suspend(),
  resume: ({ worker }) => worker.resume(),
  interrupt: ({ worker }) => worker.interrupt(),
  shutdown: ({ worker }) => worker.shutdown(),
  status: ({ worker }) => worker.status(),
  get_message: async ({ store }, v) => message(await store.getMessage(v.id)),
  get_archived: async ({ store }, v) => message(await store.getArchived(v.id)),
  list_messages: async ({ store }, v) => messages(await store.listMessages({ queue: v.queue, payload: v.contains })),
  list_archived: async ({ store }, v) => messages(await store.listArchived({ queue: v.queue, deadOnly: v.dead_only })),
  dead_letter: ({ store }, v) => store.deadLetter(v.id),
  replay: ({ store }, v) => store.replay(v.id),
  delete_archived: ({ store }, v) => store.deleteArchived(v.id),

  create_workflow: ({ store }, v) => store.createWorkflow(v.workflow, { maxReadCt: v.max_read_ct }),
  get_workflow: ({ store }, v) => store.getWorkflow(v.workflow),
  list_workflows: ({ store }) => store.listWorkflows(),
  trigger: ({ store }, v) => store.trigger(v.workflow, v.input),
  get_run: ({ store }, v) => store.getRun(v.id),
  pause_run: ({ store }, v) => store.pauseRun(v.id),
  resume_run: ({ store }, v) => store.resumeRun(v.id),
  cancel_run: ({ store }, v) => store.cancelRun(v.id),
  list_runs: ({ store }, v) => store.listRuns({ workflow: v.workflow, status: v.status }),
  start_run: ({ store }, v) => store.startRun(v.id, { message: v.message }),
  complete_run: ({ worker }, v) => worker.complete(v.output),
  fail_run: ({ worker }, v) => worker.fail(v.reason),
  acquire_step: ({ worker }, v) => worker.acquire(v.step, { maxAttempts: v.max_attempts }),
  complete_step: ({ worker }, v) => worker.completeStep(v.step, v.output),
  fail_step: ({ worker }, v) => worker.failStep(v.step, v.reason, { retry: v.retry_ms }),
  list_steps: ({ store }, v) => store.listSteps({ runId: v.id })
}

function resolve (value, named) {
  if (typeof value === 'string' && value.startsWith('$')) {
    const [first, ...parts] = value.slice(1).split('.')
    return parts.reduce((found, part) => found[part], named.get(first))
  }
  if (Array.isArray(value)) return value.map(element => resolve(element, named))
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, resolve(member, named)]))
}

// Of an object only the members that are given count.
function contains (have, want) {
  if (Array.isArray(want)) {
    return Array.isArray(have) && have.length === want.length && want.every((element, i) => contains(have[i], element))
  }
  if (want === null || typeof want !== 'object') return have === want
  return have !== null && typeof have === 'object' &&
    Object.entries(want).every(([name, member]) => name in have && contains(have[name], member))
}

async function run (steps, dsn) {
  const store = await pgqrs.open(dsn, { bootstrap: true })
  const named = new Map()
  try {
    for (const raw of steps) {
      const step = resolve(raw, named)
      const what = JSON.stringify(step)
      const call = operations[step.do]({ store, worker: named.get(step.with) }, step)
      const [result, error] = await call.then(value => [value], problem => [undefined, problem])
      if (step.error !== undefined || error) {
        if (error?.code !== step.error) throw new Error(`${what}: ${error ?? 'did not fail'}`)
        continue
      }
      if (step.expect !== undefined && !contains(result, step.expect)) {
        throw new Error(`${what}: the result is ${JSON.stringify(result)}`)
      }
      if (step.as !== undefined) named.set(step.as, result)
    }
  } finally {
    await store.close()
  }
}

async function main (directory) {
  for (const line of fs.readFileSync(0, 'utf8').trim().split('\n')) {
    const [name, dsn] = line.split(' ')
    const [file, own] = name.split('/')
    const { vectors } = JSON.parse(fs.readFileSync(path.join(directory, file + '.json'), 'utf8'))
    try {
      await run(vectors.find(vector => vector.name === own).steps, dsn)
      console.log(`ok ${name}`)
    } catch (error) {
      console.log(`failed ${name}: ${error.stack}`)
      process.exitCode = 1
    }
  }
}

main(process.argv[2])
