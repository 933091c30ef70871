'use strict'

const { constants, statuses } = require('./abi_gen.js')
const { library, options, string } = require('./library.js')

/** What went wrong; `code` is the status of pgqrs.h by name, for example "QUEUE_NOT_FOUND". */
class PgqrsError extends Error {
  constructor (status, message) {
    const [code, meaning] = statuses.get(status) ?? ['INTERNAL', 'unknown status']
    super(message || meaning)
    this.name = 'PgqrsError'
    this.code = code
    this.status = status
    this.operation = ''
    this.field = ''
    this.sqlstate = ''
    this.retryAfter = 0
    this.transient = false
    this.safeToRetry = false
  }
}

/** Reads and closes an error of the library; 0 is one without details. */
function failure (status, handle) {
  if (!handle) return new PgqrsError(status)
  const detail = options('pgqrs_error_detail', { sqlstate: '' })
  const known = library().pgqrs_error_info(handle, detail) === 0
  const error = new PgqrsError(status, known ? string(detail.message) : '')
  if (known) {
    error.operation = string(detail.operation)
    error.field = string(detail.field)
    error.sqlstate = detail.sqlstate
    error.retryAfter = Number(detail.retry_after_ms)
    error.transient = (detail.flags & constants.ERROR_TRANSIENT) !== 0
    error.safeToRetry = (detail.flags & constants.ERROR_SAFE_TO_RETRY) !== 0
  }
  library().pgqrs_close(handle)
  return error
}

module.exports = { PgqrsError, failure }
