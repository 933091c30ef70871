'use strict'

const { constants } = require('./abi_gen.js')
const { PgqrsError } = require('./errors.js')
const { library, options, text } = require('./library.js')
const queue = require('./queue.js')
const results = require('./results.js')
const { Consumer, Message, Producer } = require('./workers.js')

/** Opens a store by DSN. */
async function open (dsn, { bootstrap = false, config, signal } = {}) {
  const given = options('pgqrs_store_options', {
    dsn, flags: bootstrap ? constants.STORE_BOOTSTRAP : 0, config: config && JSON.stringify(config)
  })
  return queue().call('pgqrs_store_open', [given], handle => new Store(handle), { signal, disposable: true, keep: true })
}

class Store {
  constructor (handle) { this._handle = handle }

  install () { return this._call('pgqrs_store_install') }
  verify () { return this._call('pgqrs_store_verify') }
  sql (statement) { return results.sql(this._handle, undefined, statement) }
  stats () { return this._call('pgqrs_store_stats', [], results.json) }

  producer (name, how) { return this._register('pgqrs_producer_open', name, how, Producer) }
  consumer (name, how) { return this._register('pgqrs_consumer_open', name, how, Consumer) }

  createQueue (name, { maxReadCt = 0 } = {}) {
    const given = options('pgqrs_queue_options', { max_read_ct: maxReadCt })
    return this._call('pgqrs_queue_create', [text(name), given], results.json)
  }

  getQueue (name) { return this._call('pgqrs_queue_get', [text(name)], results.json) }
  listQueues (filter) { return this._rows('pgqrs_queue_list', filter, results.json) }
  deleteQueue (name) { return this._call('pgqrs_queue_delete', [text(name)]) }
  purgeQueue (name) { return this._call('pgqrs_queue_purge', [text(name)], results.count) }
  async metrics (name) { return (await this._rows('pgqrs_queue_metrics', { queue: name }, results.json))[0] }

  async getMessage (id) { return (await this._call('pgqrs_message_get', [id], results.messages))[0] }
  listMessages (filter) { return this._rows('pgqrs_message_list', filter, results.messages) }
  countMessages (filter) { return this._rows('pgqrs_message_count', filter, results.count) }
  async getArchived (id) { return (await this._call('pgqrs_archive_get', [id], results.messages))[0] }
  listArchived (filter) { return this._rows('pgqrs_archive_list', filter, results.messages) }
  countArchived (filter) { return this._rows('pgqrs_archive_count', filter, results.count) }
  async deadLetter (id) { await this._call('pgqrs_message_dead_letter', [id]) }
  async replay (id) { await this._call('pgqrs_archive_replay', [id]) }
  async deleteArchived (id) { await this._call('pgqrs_archive_delete', [id]) }

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

  _call (name, args = [], read) { return queue().call(name, [this._handle, ...args], read) }

  _rows (name, filter = {}, read) {
    const given = options('pgqrs_table_options', {
      queue: filter.queue,
      payload: filter.payload === undefined ? undefined : JSON.stringify(filter.payload),
      worker_id: filter.workerId,
      limit: filter.limit,
      offset: filter.offset,
      flags: filter.deadOnly ? constants.FILTER_DEAD_ONLY : 0
    })
    return this._call(name, [given], read)
  }

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
  return queue().stream('pgqrs_log_subscribe', [LEVELS[level]], results.line, listener)
}
/** The text of a statement that stores messages in a PostgreSQL transaction of the caller's own. */
function sql (statement, { schema } = {}) { return results.sql(0, schema, statement) }

/** The version of the library. */
function version () { return library().pgqrs_version() }

module.exports = { Consumer, Message, PgqrsError, Producer, Store, log, open, sql, version }
