'use strict'

const { constants } = require('./abi_gen.js')
const { PgqrsError, failure } = require('./errors.js')
const { document, library, options, text } = require('./library.js')
const queue = require('./queue.js')
const results = require('./results.js')

/** What a producer and a consumer have in common. */
class Worker {
  constructor (handle) {
    this._handle = handle
    const id = [0]
    const status = library().pgqrs_worker_id(handle, id)
    if (status < 0) throw new PgqrsError(status)
    this.id = id[0]
  }

  heartbeat () { return this._call('pgqrs_worker_heartbeat') }
  suspend () { return this._call('pgqrs_worker_suspend') }
  resume () { return this._call('pgqrs_worker_resume') }
  interrupt () { return this._call('pgqrs_worker_interrupt') }
  shutdown () { return this._call('pgqrs_worker_shutdown') }
  async status () { return (await this._call('pgqrs_worker_status', [], results.json)).status }

  /** Ends the worker and gives back what it holds. */
  close () { library().pgqrs_close(this._handle) }
  async [Symbol.asyncDispose] () { this.close() }

  _call (name, args = [], read, how) { return queue().call(name, [this._handle, ...args], read, how) }
}

class Producer extends Worker {
  /** Stores one message and answers its id after the commit. */
  async enqueue (payload, { dedupKey, ...how } = {}) {
    return (await this.enqueueBatch([payload], { ...how, dedupKeys: dedupKey === undefined ? undefined : [dedupKey] }))[0]
  }

  /** Stores all or none and answers their ids in input order. */
  async enqueueBatch (payloads, { delay = 0, at, dedupKeys, signal } = {}) {
    if (dedupKeys && dedupKeys.length !== payloads.length) {
      throw new RangeError(`dedupKeys: has ${dedupKeys.length} entries for ${payloads.length} messages; give one for each, null for none`)
    }
    const given = options('pgqrs_enqueue_options', {
      delay_ms: delay, at: at ? BigInt(at.getTime()) * 1000n : 0, dedup_keys: dedupKeys?.length ? dedupKeys.map(text) : null
    })
    const documents = payloads.map(payload => text(document(payload, 'payload')))
    return this._call('pgqrs_enqueue', [documents, documents.length, given], results.ids, { signal })
  }
}

class Consumer extends Worker {
  /** Leases messages; none is an empty list. An aborted call leaves no lease behind. */
  async dequeue ({ batch = 1, lease = 0, wait = 0, autoExtend = false, signal } = {}) {
    const given = options('pgqrs_dequeue_options', {
      batch, lease_ms: lease, wait_ms: wait === Infinity ? -1 : wait, flags: autoExtend ? constants.DEQUEUE_AUTO_EXTEND : 0
    })
    const rows = await this._call('pgqrs_dequeue', [given], results.messages, { signal, disposable: true })
    return rows.map(row => new Message(row, this))
  }

  /** A sign of life: leases that are kept alive stay so for `span` from now. Answers how many. */
  keep (messages, span) {
    if (messages.length === 0) return 0
    const error = [0]
    const kept = library().pgqrs_consumer_keep(this._handle, tokens(messages), messages.length, span, error)
    if (kept < 0) throw failure(kept, error[0])
    return kept
  }

  /** Tells of leases that were kept alive and lost all the same, from the first step of the iteration on. */
  async * losses (how) {
    const read = result => results.tokens(result).map(token => ({ id: token.id, readCt: token.read_ct }))
    yield * queue().stream('pgqrs_consumer_losses', [this._handle], read, how)
  }

  /** Takes messages one after the other until the signal aborts, or the loop is left. */
  async * messages (how) {
    await this._poll(true)
    try {
      yield * this._taken(how)
    } finally {
      await this._poll(false).catch(() => {}) // the loop is over in any case
    }
  }

  _poll (begins) { return this._call('pgqrs_worker_poll', [begins ? 1 : 0]) }

  async * _taken ({ wait = Infinity, ...how } = {}) {
    for (;;) {
      let batch
      try {
        batch = await this.dequeue({ wait, ...how })
      } catch (error) {
        if (how.signal?.aborted && error === how.signal.reason) return
        throw error
      }
      if (batch.length === 0 && wait !== Infinity) return
      try {
        while (batch.length > 0) yield batch.shift()
      } finally { // what the body never saw goes back as it was
        await this.release(batch, { unread: true })
      }
    }
  }

  archive (messages) { return this._acknowledge('pgqrs_archive', messages) }
  delete (messages) { return this._acknowledge('pgqrs_delete', messages) }
  extend (messages, by) { return this._acknowledge('pgqrs_extend_vt', messages, by) }
  release (messages, { unread = false } = {}) {
    const flags = unread ? constants.RELEASE_UNREAD : 0
    return this._acknowledge('pgqrs_release', messages, options('pgqrs_release_options', { flags }))
  }

  /** One boolean per message or id, in input order: whether it took effect. */
  async _acknowledge (name, messages, ...args) {
    if (messages.length === 0) return []
    return this._call(name, [tokens(messages), messages.length, ...args], results.outcomes)
  }
}

function tokens (messages) {
  return messages.map(m => ({ id: m.id ?? m, read_ct: m.readCt ?? 0, reserved: 0 }))
}

/** A leased message. Its acknowledgements answer whether they took effect. */
class Message {
  #consumer
  constructor (row, consumer) {
    Object.assign(this, row)
    this.#consumer = consumer
  }

  async archive () { return (await this.#consumer.archive([this]))[0] }
  async delete () { return (await this.#consumer.delete([this]))[0] }
  async extend (by) { return (await this.#consumer.extend([this], by))[0] }
  async release () { return (await this.#consumer.release([this]))[0] }
}

module.exports = { Consumer, Message, Producer }
