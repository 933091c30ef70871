'use strict'

const { constants } = require('./abi_gen.js')
const { PgqrsError } = require('./errors.js')
const { document, library, options, text } = require('./library.js')
const queue = require('./queue.js')
const results = require('./results.js')
const Tables = require('./tables.js')
const { Run } = require('./workflows.js')
const { Consumer, Message, Producer } = require('./workers.js')

/** Opens a store by DSN. */
async function open (dsn, { bootstrap = false, config, signal } = {}) {
  const given = options('pgqrs_store_options', {
    dsn, flags: bootstrap ? constants.STORE_BOOTSTRAP : 0, config: config && JSON.stringify(config)
  })
  return queue().call('pgqrs_store_open', [given], handle => new Store(handle), { signal, disposable: true, keep: true })
}

/** A database with queues. */
class Store extends Tables {
  constructor (handle) {
    super()
    this._handle = handle
  }

  install () { return this._call('pgqrs_store_install') }
  verify () { return this._call('pgqrs_store_verify') }
  uninstall () { return this._call('pgqrs_store_uninstall') }
  sql (statement) { return results.sql(this._handle, undefined, statement) }
  stats () { return this._call('pgqrs_store_stats', [], results.json) }
  activity () { return this._call('pgqrs_store_activity', [], results.json) }
  inspect () { return this._call('pgqrs_store_inspect', [], results.json) }

  producer (name, how) { return this._register('pgqrs_producer_open', name, how, Producer) }
  consumer (name, how) { return this._register('pgqrs_consumer_open', name, how, Consumer) }

  /** Stores a run of a workflow and the message that carries it. */
  trigger (workflow, input) {
    return this._call('pgqrs_run_trigger', [text(workflow), text(document(input, 'input'))], results.json)
  }

  /** Begins the next attempt of a run, for the message that carries it. */
  async startRun (id, { message } = {}) {
    const row = await this._call('pgqrs_run_start', [id, message?.id ?? message ?? 0], results.json)
    return new Run(row, this)
  }

  pauseRun (id) { return this._call('pgqrs_run_pause', [id], results.json) }
  resumeRun (id) { return this._call('pgqrs_run_resume', [id], results.json) }
  cancelRun (id) { return this._call('pgqrs_run_cancel', [id], results.json) }

  /** Ends the store, and every producer and consumer opened through it. */
  async close () {
    if (!this._handle) return
    const handle = this._handle
    this._handle = 0
    try {
      await queue().call('pgqrs_store_stop', [handle])
    } finally {
      library().pgqrs_close(handle)
    }
  }

  async [Symbol.asyncDispose] () { await this.close() }

  _register (name, queueName, { hostname, port, ephemeral = false, signal } = {}, Kind) {
    const given = options('pgqrs_worker_options', { hostname, port, flags: ephemeral ? constants.WORKER_EPHEMERAL : 0 })
    const args = [this._handle, text(queueName), given]
    return queue().call(name, args, handle => new Kind(handle), { signal, disposable: true, keep: true })
  }
}

const LEVELS = { debug: constants.LOG_DEBUG, info: constants.LOG_INFO, warn: constants.LOG_WARN, error: constants.LOG_ERROR }

/** Calls listener with what the library logs. Answers what ends it. */
function log (listener, { level = 'warn' } = {}) {
  if (!(level in LEVELS)) throw new RangeError(`level: ${level} is not one of ${Object.keys(LEVELS).join(', ')}`)
  return queue().listen('pgqrs_log_subscribe', [LEVELS[level]], results.line, listener)
}
/** The text of a statement that stores messages in a PostgreSQL transaction of the caller's own. */
function sql (statement, { schema } = {}) { return results.sql(0, schema, statement) }

/** The version of the library. */
function version () { return library().pgqrs_version() }

module.exports = { Consumer, Message, PgqrsError, Producer, Run, Store, log, open, sql, version }
