'use strict'
// What a call answered is copied before its result is closed.

const { constants } = require('./abi_gen.js')
const { PgqrsError, failure } = require('./errors.js')
const { library, records, string, text } = require('./library.js')

function view (name, result) {
  const out = {}
  const status = library()[name](result, out)
  if (status < 0) throw new PgqrsError(status)
  return out
}

const nothing = () => undefined
const json = result => JSON.parse(string(view('pgqrs_result_json', result)))
const count = result => json(result).count
const ids = result => records(view('pgqrs_result_ids', result), 'int64_t')
const outcomes = result => records(view('pgqrs_result_outcomes', result), 'int32_t').map(status => status === 0)
const tokens = result => records(view('pgqrs_result_tokens', result), 'pgqrs_token')
const messages = result => records(view('pgqrs_result_messages', result), 'pgqrs_message').map(row)

function line (result) {
  const { time, ...rest } = json(result)
  return { time: date(time), ...rest }
}

function row (m) {
  return {
    id: m.id,
    queueId: m.queue_id,
    payload: JSON.parse(string(m.payload)),
    readCt: m.read_ct,
    enqueuedAt: date(m.enqueued_at),
    vt: date(m.vt),
    dequeuedAt: date(m.dequeued_at),
    archivedAt: date(m.archived_at),
    producerWorkerId: m.producer_worker_id || null,
    consumerWorkerId: m.consumer_worker_id || null,
    deadReason: string(m.dead_reason) || null
  }
}

const statements = { enqueue: constants.SQL_ENQUEUE, enqueueBatch: constants.SQL_ENQUEUE_BATCH }

/** A statement by name, for the schema of a store or, where that is 0, a schema. */
function sql (store, schema, statement) {
  const result = [0]
  const error = [0]
  const status = library().pgqrs_sql_text(store, text(schema), statements[statement] ?? 0, null, result, error)
  if (status < 0) throw failure(status, error[0])
  try {
    return json(result[0])
  } finally {
    library().pgqrs_close(result[0])
  }
}

/** Microseconds as a Date, which has milliseconds; 0 is null. */
function date (us) {
  return us ? new Date(Number(BigInt(us) / 1000n)) : null
}

module.exports = { count, ids, json, line, messages, nothing, outcomes, sql, tokens }
