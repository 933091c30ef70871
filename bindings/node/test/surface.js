'use strict'
// What the vectors do not reach: twins, abort signals, iteration, exits.

const assert = require('node:assert/strict')
const { execFileSync } = require('node:child_process')
const { once } = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { test } = require('node:test')
const { Worker } = require('node:worker_threads')
const koffi = require('koffi')
const pgqrs = require('../lib/index.js')
const { constants, functions, statuses } = require('../lib/abi_gen.js')
const { declare } = require('../lib/library.js')

const ABI = path.join(__dirname, '..', '..', '..', 'tests', 'abi', 'testdata')

async function opened (t) {
  const store = await pgqrs.open('sqlite::memory:', { bootstrap: true })
  t.after(() => store.close())
  await store.createQueue('tasks')
  return { store, producer: await store.producer('tasks'), consumer: await store.consumer('tasks') }
}

test('the twins are those of the header', () => {
  const layout = JSON.parse(fs.readFileSync(path.join(ABI, 'layout.json')))
  const twins = declare()
  assert.deepEqual(Object.keys(twins).sort(), Object.keys(layout.structs).sort())
  for (const [name, { size, offsets }] of Object.entries(layout.structs)) {
    assert.equal(koffi.sizeof(twins[name]), size, name)
    for (const [field, offset] of Object.entries(offsets)) {
      assert.equal(koffi.offsetof(twins[name], field), offset, `${name}.${field}`)
    }
  }
  const have = Object.fromEntries(Object.entries(constants).map(([name, value]) => [`PGQRS_${name}`, value]))
  for (const [code, [name]] of statuses) have[code === 0 ? 'PGQRS_OK' : `PGQRS_E_${name}`] = code
  assert.deepEqual(have, layout.constants)
  const golden = fs.readFileSync(path.join(ABI, 'symbols.golden'), 'utf8').trim().split('\n')
  assert.deepEqual(Object.keys(functions).sort(), golden.sort())
})

test('errors say everything', async t => {
  const { store } = await opened(t)
  await assert.rejects(store.getQueue('nobody'), error => {
    assert(error instanceof pgqrs.PgqrsError)
    assert.equal(error.code, 'QUEUE_NOT_FOUND')
    assert.equal(error.status, -401)
    assert.match(error.message, /nobody/)
    return true
  })
  await assert.rejects(pgqrs.open('nonsense://'), { code: 'CONFIG', safeToRetry: true })
})

test('SQL for transactions of one\'s own', async t => {
  const { store } = await opened(t)
  const { sql, parameters, returns } = pgqrs.sql('enqueue', { schema: 'my jobs' })
  assert.match(sql, /^select "my jobs"\.pgqrs_enqueue\(/)
  assert.deepEqual(parameters.map(p => p.name), ['queue', 'payload', 'delay_ms', 'dedup_key'])
  assert.equal(returns, 'bigint')
  assert.match(pgqrs.sql('enqueueBatch').sql, /^select "public"\.pgqrs_enqueue_batch\(/)
  assert.throws(() => pgqrs.sql('truncate'), { code: 'INVALID_ARGUMENT', field: 'statement' })
  assert.throws(() => store.sql('enqueue'), { code: 'UNSUPPORTED', message: /after your own commit/ })
})

test('the steps of a run are done once', async t => {
  const { store } = await opened(t)
  await store.createWorkflow('ship')
  const consumer = await store.consumer('ship')
  await store.trigger('ship', { order: 7 })
  const done = []
  const attempt = async fails => {
    const run = await store.startRun(1)
    assert.deepEqual(run.input, { order: 7 })
    const paid = await run.step('charge', async () => { done.push('charge'); return { paid: true } })
    assert.deepEqual(paid, { paid: true })
    await run.step('pack', () => { done.push('pack'); if (fails) throw new RangeError('no box') }, { retry: 0 })
    return run.complete('shipped')
  }
  const [message] = await consumer.dequeue()
  await assert.rejects(store.startRun(message.payload.run_id, { message: 4711 }), { code: 'STATE_TRANSITION' })
  await assert.rejects(attempt(true), RangeError)
  assert.equal((await store.listSteps({ runId: 1 }))[1].error, 'RangeError: no box')
  const { status, output } = await attempt(false)
  assert.deepEqual({ status, output }, { status: 'success', output: 'shipped' })
  assert.deepEqual(done, ['charge', 'pack', 'pack'])
  assert.equal(await store.countRuns({ workflow: 'ship', status: 'success' }), 1)
  assert.equal(await store.countSteps({ runId: 1 }), 2)
  assert.equal(await store.countWorkflows(), 1)
  assert.deepEqual(await store.getWorkflowById((await store.getWorkflow('ship')).id), (await store.listWorkflows())[0])
  assert.equal((await store.getStep((await store.listSteps())[0].id)).step_name, 'charge')
})

test('workers have tables', async t => {
  const { store, producer, consumer } = await opened(t)
  const id = await producer.enqueue(1)
  await consumer.dequeue({ lease: 60_000 })
  assert.deepEqual((await store.listWorkers({ queue: 'tasks' })).map(w => w.id), [producer.id, consumer.id])
  assert.equal((await store.getWorker(consumer.id)).status, 'ready')
  const [stats] = await store.workerStats({ queue: 'tasks' })
  assert.deepEqual([stats.total, stats.ready, stats.producers, stats.consumers], [2, 2, 1, 1])
  const [health] = await store.workerHealth({ olderThan: 3_600_000 })
  assert.deepEqual([health.healthy, health.stale, health.stopped], [2, 0, 0])
  await assert.rejects(store.deleteWorker(consumer.id), { code: 'STATE_TRANSITION' })
  assert.equal(await store.reclaim({ queue: 'tasks' }), 0)
  assert.equal(await store.releaseWorker(consumer.id), 1)
  assert.equal((await store.getMessage(id)).consumerWorkerId, null)
  assert.equal((await store.getWorker(consumer.id)).status, 'stopped')
  assert.equal(await store.purgeWorkers(), 1)
  assert.equal(await store.countWorkers(), 1)
  await assert.rejects(store.purgeArchive({}), { code: 'INVALID_ARGUMENT' })
  assert.equal(await store.purgeArchive({ queue: 'tasks' }), 0)
  assert.equal(await store.countQueues(), 1)
  assert.equal((await store.getQueueById((await store.getQueue('tasks')).id)).queue_name, 'tasks')
  assert.deepEqual((await store.inspect())[0], ['engine', 'sqlite'])
  assert.equal((await store.activity()).enqueue.rows, 1)
})

test('a consumer that iterates is polling, and keeps its leases', async t => {
  const { producer, consumer } = await opened(t)
  await producer.enqueue(1)
  for await (const message of consumer.messages({ autoExtend: true, wait: 20 })) {
    assert.equal(await consumer.status(), 'polling')
    assert.equal(consumer.keep([message], 1_000), 1)
    await message.archive()
    assert.equal(consumer.keep([message], 1_000), 0)
  }
  assert.equal(await consumer.status(), 'ready')
})

test('a consumer is told of kept leases that were lost', async t => {
  const { store, producer, consumer } = await opened(t)
  const controller = new AbortController()
  const losses = consumer.losses({ signal: controller.signal })
  const first = losses.next() // from here on losses are told
  const id = await producer.enqueue(1)
  await consumer.dequeue({ lease: 200, autoExtend: true })
  await store.purgeQueue('tasks')
  assert.deepEqual(await first, { done: false, value: { id, readCt: 1 } })
  const next = losses.next()
  controller.abort()
  assert.equal((await next).done, true)
  for await (const loss of consumer.losses({ signal: controller.signal })) assert.fail(loss)
  const closed = consumer.losses().next()
  consumer.close()
  await assert.rejects(closed, { code: 'CLOSED' })
})

test('an aborted dequeue leaves no lease', async t => {
  const { producer, consumer } = await opened(t)
  const controller = new AbortController()
  const waiting = consumer.dequeue({ wait: Infinity, signal: controller.signal })
  controller.abort()
  await assert.rejects(waiting, { name: 'AbortError' })
  await assert.rejects(consumer.dequeue({ signal: controller.signal }), { name: 'AbortError' })
  const id = await producer.enqueue({ n: 1 })
  const [message] = await consumer.dequeue({ wait: 10_000 })
  assert.equal(message.id, id)
  assert.equal(message.readCt, 1)
  await assert.rejects(consumer.dequeue({ wait: Infinity, signal: AbortSignal.timeout(20) }), { name: 'TimeoutError' })
})

test('for await takes messages and gives back what it never saw', async t => {
  const { store, producer, consumer } = await opened(t)
  await producer.enqueueBatch([1, 2, 3, 4])
  const seen = []
  for await (const message of consumer.messages({ batch: 4, autoExtend: true })) {
    seen.push(message.payload)
    assert.equal(await message.archive(), true)
    assert.equal(await message.archive(), false)
    if (seen.length === 2) break
  }
  assert.deepEqual(seen, [1, 2])
  const { pending, leased, archived } = await store.metrics('tasks')
  assert.deepEqual({ pending, leased, archived }, { pending: 2, leased: 0, archived: 2 })
  const [again] = await consumer.dequeue()
  assert.equal(again.readCt, 1)

  const controller = new AbortController()
  for await (const message of consumer.messages({ signal: controller.signal })) {
    assert.equal(await message.delete(), true)
    controller.abort()
  }
})

test('calls of one turn share transactions', async t => {
  const { producer, store } = await opened(t)
  const ids = await Promise.all(Array.from({ length: 500 }, (_, n) => producer.enqueue({ n })))
  assert.equal(new Set(ids).size, 500)
  assert.equal(await store.countMessages({ queue: 'tasks' }), 500)
})

test('a worker thread has a queue of its own, and its end is not the library\'s', async t => {
  const { producer, consumer } = await opened(t)
  await producer.enqueue('for the worker')
  for (const last of ['await store.close()', 'consumer.dequeue({ wait: Infinity }); process.exit(0)']) {
    const worker = new Worker(`
      const pgqrs = require(${JSON.stringify(path.join(__dirname, '..'))})
      ;(async () => {
        const store = await pgqrs.open('sqlite::memory:') // shared with the main thread, as equal stores of a process are
        const consumer = await store.consumer('tasks')
        for (const message of await consumer.dequeue({ batch: 10 })) await message.archive()
        ${last}
      })()`, { eval: true })
    assert.equal((await once(worker, 'exit'))[0], 0)
  }
  assert.deepEqual(await consumer.dequeue(), [])
  await producer.enqueue('after the worker')
  assert.equal((await consumer.dequeue()).length, 1)
})

/** Closes a store whose tables are gone: it logs that its consumer could not be stopped. */
async function provoke (dsn) {
  const store = await pgqrs.open(dsn, { bootstrap: true })
  await store.createQueue('tasks')
  await store.consumer('tasks')
  await store._call('pgqrs_store_uninstall')
  await store.close()
}

test('what the library logs', async t => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'pgqrs-'))
  t.after(() => fs.rmSync(directory, { recursive: true }))
  const dsn = `sqlite:///${directory}/jobs.db`
  const mine = lines => lines.filter(line => line.attributes.store === dsn)
  const heard = []
  const errors = []
  const alive = setInterval(() => {}, 1000) // which waiting for a line does not
  t.after(() => clearInterval(alive))
  let first
  const told = new Promise(resolve => { first = resolve })
  const stop = pgqrs.log(line => {
    heard.push(line)
    if (mine(heard).length) first()
  })
  const stopErrors = pgqrs.log(line => errors.push(line), { level: 'error' })
  await provoke(dsn)
  await told
  const [{ time, level, message, attributes, dropped }] = mine(heard)
  assert.deepEqual({ level, message, dropped }, {
    level: 'warn', message: 'stopping workers failed, their leases will expire by themselves', dropped: 0
  })
  assert(Math.abs(Date.now() - time.getTime()) < 60_000)
  assert.match(attributes.error, /has no tables of pgqrs/)
  stop()
  stop()
  await provoke(dsn)
  stopErrors()
  assert.equal(mine(heard).length, 1)
  assert.deepEqual(mine(errors), [])
  assert.throws(() => pgqrs.log(() => {}, { level: 'loud' }), RangeError)
})

test('a listener of the log keeps no process alive', () => {
  const script = `
    const pgqrs = require(${JSON.stringify(path.join(__dirname, '..'))})
    pgqrs.log(line => { throw new Error('heard ' + line.message) })
    ;(async () => {
      const store = await pgqrs.open('sqlite::memory:', { bootstrap: true })
      if (process.argv[1] === 'provoke') {
        await store.createQueue('tasks')
        await store.consumer('tasks')
        await store._call('pgqrs_store_uninstall')
      }
      await store.close()
      await store.close()
    })()`
  execFileSync(process.execPath, ['-e', script], { timeout: 20_000 })
  assert.throws(() => execFileSync(process.execPath, ['-e', script, 'provoke'], { timeout: 20_000, stdio: 'pipe' }),
    error => /Uncaught|Error: heard stopping workers failed/.test(error.stderr))
})

test('a store that was not closed keeps no process alive', () => {
  for (const last of ['', 'consumer.dequeue({ wait: Infinity }); process.exit(0)']) {
    const script = `
      const pgqrs = require(${JSON.stringify(path.join(__dirname, '..'))})
      ;(async () => {
        const store = await pgqrs.open('sqlite::memory:', { bootstrap: true })
        await store.createQueue('tasks')
        const consumer = await store.consumer('tasks')
        ${last}
      })()`
    execFileSync(process.execPath, ['-e', script], { timeout: 20_000 })
  }
})
