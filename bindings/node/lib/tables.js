'use strict'
// Queues, messages, the archive, workers, workflows: what the tables of a store hold.

const { constants } = require('./abi_gen.js')
const { options, text } = require('./library.js')
const queue = require('./queue.js')
const results = require('./results.js')

class Tables {
  createQueue (name, how) { return this._create('pgqrs_queue_create', name, how) }

  getQueue (name) { return this._call('pgqrs_queue_get', [text(name)], results.json) }
  getQueueById (id) { return this._call('pgqrs_queue_by_id', [id], results.json) }
  listQueues (filter) { return this._rows('pgqrs_queue_list', filter, results.json) }
  countQueues () { return this._rows('pgqrs_queue_count', {}, results.count) }
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
  purgeArchive (filter) { return this._rows('pgqrs_archive_purge', filter, results.count) }
  reclaim (filter) { return this._rows('pgqrs_message_reclaim', filter, results.count) }

  getWorker (id) { return this._call('pgqrs_worker_get', [id], results.json) }
  listWorkers (filter) { return this._rows('pgqrs_worker_list', filter, results.json) }
  countWorkers (filter) { return this._rows('pgqrs_worker_count', filter, results.count) }
  workerStats (filter) { return this._rows('pgqrs_worker_stats', filter, results.json) }
  workerHealth (filter) { return this._rows('pgqrs_worker_health', filter, results.json) }
  releaseWorker (id) { return this._call('pgqrs_worker_release', [id], results.count) }
  async deleteWorker (id) { await this._call('pgqrs_worker_delete', [id]) }
  purgeWorkers (filter) { return this._rows('pgqrs_worker_purge', filter, results.count) }

  createWorkflow (name, how) { return this._create('pgqrs_workflow_create', name, how) }
  getWorkflow (name) { return this._call('pgqrs_workflow_get', [text(name)], results.json) }
  getWorkflowById (id) { return this._call('pgqrs_workflow_by_id', [id], results.json) }
  listWorkflows (filter) { return this._rows('pgqrs_workflow_list', filter, results.json) }
  countWorkflows () { return this._rows('pgqrs_workflow_count', {}, results.count) }
  getRun (id) { return this._call('pgqrs_run_get', [id], results.json) }
  listRuns (filter) { return this._rows('pgqrs_run_list', filter, results.json) }
  countRuns (filter) { return this._rows('pgqrs_run_count', filter, results.count) }
  getStep (id) { return this._call('pgqrs_step_get', [id], results.json) }
  listSteps (filter) { return this._rows('pgqrs_step_list', filter, results.json) }
  countSteps (filter) { return this._rows('pgqrs_step_count', filter, results.count) }

  _call (name, args = [], read) { return queue().call(name, [this._handle, ...args], read) }

  _rows (name, filter = {}, read) {
    const given = options('pgqrs_table_options', {
      queue: filter.queue ?? filter.workflow, // a workflow goes by the name of its queue
      payload: filter.payload === undefined ? undefined : JSON.stringify(filter.payload),
      worker_id: filter.workerId,
      run_id: filter.runId,
      status: filter.status,
      min_read_ct: filter.minReadCt,
      older_than_ms: filter.olderThan,
      limit: filter.limit,
      offset: filter.offset,
      flags: filter.deadOnly ? constants.FILTER_DEAD_ONLY : 0
    })
    return this._call(name, [given], read)
  }

  _create (name, own, { maxReadCt = 0 } = {}) {
    const given = options('pgqrs_queue_options', { max_read_ct: maxReadCt })
    return this._call(name, [text(own), given], results.json)
  }
}

module.exports = Tables
