'use strict'

const { document, text } = require('./library.js')
const results = require('./results.js')

const FOR_GOOD = -1

/** One attempt at a run, and the run as it was when the attempt began. */
class Run {
  #store
  constructor (row, store) {
    Object.assign(this, row)
    this.#store = store
  }

  complete (output = null) { return this.#end('pgqrs_run_complete', document(output, 'output')) }
  fail (reason) { return this.#end('pgqrs_run_fail', described(reason)) }

  /**
   * Does a step once: what work() answered is recorded, and answered again by later attempts, which do not do it.
   * What it throws is recorded and thrown; with `retry` the step may be done again after so long.
   */
  async step (name, work, { maxAttempts, retry } = {}) {
    const { result, step } = await this.acquire(name, { maxAttempts })
    if (result === 'skipped') return step.output
    let output
    try {
      output = await work(step)
    } catch (error) {
      await this.failStep(name, error, { retry })
      throw error
    }
    return (await this.completeStep(name, output)).output
  }

  acquire (step, { maxAttempts = 0 } = {}) { return this.#on('pgqrs_step_acquire', step, maxAttempts) }
  completeStep (step, output = null) { return this.#on('pgqrs_step_complete', step, text(document(output, 'output'))) }
  failStep (step, reason, { retry = FOR_GOOD } = {}) { return this.#on('pgqrs_step_fail', step, text(described(reason)), retry) }

  #end (name, said) { return this.#store._call(name, [this.id, this.attempt, text(said)], results.json) }
  #on (name, step, ...args) { return this.#store._call(name, [this.id, this.attempt, text(step), ...args], results.json) }
}

/** An error, or a text, for people. */
function described (reason) {
  return reason instanceof Error ? `${reason.name}: ${reason.message}` : String(reason)
}

module.exports = { Run }
