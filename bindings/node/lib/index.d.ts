/** A job queue on PostgreSQL or one SQLite file. Spans are milliseconds. */

/** A number while it is safe, which ids of a store are for a very long time. */
export type Id = number | bigint

/** What a JSON document holds. */
export type Json = null | boolean | number | string | Json[] | { [name: string]: Json }

/** What went wrong. */
export class PgqrsError extends Error {
  /** The status of pgqrs.h by name, for example "QUEUE_NOT_FOUND". */
  readonly code: string
  /** The status of pgqrs.h. */
  readonly status: number
  readonly operation: string
  /** The argument, option or entity at fault. */
  readonly field: string
  /** PostgreSQL's five characters, or empty. */
  readonly sqlstate: string
  /** How long a caller should wait who is rate limited. */
  readonly retryAfter: number
  /** The same call may succeed later. */
  readonly transient: boolean
  /** Nothing was stored. */
  readonly safeToRetry: boolean
}

/** An aborted call rejects with the signal's reason iff nothing was stored; else it has its true outcome. */
export interface Abortable { signal?: AbortSignal }

export interface OpenOptions extends Abortable {
  /** Installs the schema while opening. */
  bootstrap?: boolean
  /** Properties by name, as in a configuration file. */
  config?: { [property: string]: Json }
}

export interface WorkerOptions extends Abortable {
  /** A label; not given: this host's name. */
  hostname?: string
  port?: number
  /** Leaves no row behind. */
  ephemeral?: boolean
}

export interface EnqueueOptions extends Abortable {
  /** Visible so long after the commit. */
  delay?: number
  /** Visible from this instant; delay is ignored. */
  at?: Date
}

export interface EnqueueOneOptions extends EnqueueOptions {
  /** While the queue remembers it, nothing is stored and the first id is answered: the call may be repeated after any error. */
  dedupKey?: string
}

export interface EnqueueBatchOptions extends EnqueueOptions {
  /** One for each payload, null for none. */
  dedupKeys?: (string | null)[]
}

export interface DequeueOptions extends Abortable {
  /** How many messages at most; 1. */
  batch?: number
  /** The lock time; the store's default. */
  lease?: number
  /** How long to wait for a first message; Infinity: for ever. */
  wait?: number
  /** Keeps the leases alive until the messages are acknowledged. */
  autoExtend?: boolean
}

export interface Page {
  /** 100 when not given. */
  limit?: number
  offset?: number
}

export interface Filter extends Page {
  queue?: string
  /** Only messages whose payload contains this document. */
  payload?: Json
  workerId?: Id
  /** Leased at least so often. */
  minReadCt?: number
  deadOnly?: boolean
}

export interface Row<T = Json> {
  readonly id: Id
  readonly queueId: Id
  readonly payload: T
  /** How often it has been leased. */
  readonly readCt: number
  readonly enqueuedAt: Date
  readonly vt: Date
  readonly dequeuedAt: Date | null
  readonly archivedAt: Date | null
  readonly producerWorkerId: Id | null
  readonly consumerWorkerId: Id | null
  /** Not null: a dead letter. */
  readonly deadReason: string | null
}

/** A leased message. Its acknowledgements answer whether they took effect. */
export interface Message<T = Json> extends Row<T> {
  archive(): Promise<boolean>
  delete(): Promise<boolean>
  extend(by: number): Promise<boolean>
  release(): Promise<boolean>
}
export const Message: unknown

/** Times of these rows are microseconds since 1970. */
export interface QueueInfo { id: Id, queue_name: string, created_at: Id, max_read_ct: number }
export interface QueueMetrics {
  queue_id: Id, queue_name: string, pending: number, delayed: number, leased: number, archived: number, dead: number
  oldest_pending: Id | null
}

export type WorkerStatus = 'ready' | 'polling' | 'suspended' | 'interrupted' | 'stopped'
export interface WorkerInfo {
  id: Id, name: string, hostname: string, port: number, queue_id: Id | null, status: WorkerStatus
  started_at: Id, heartbeat_at: Id, shutdown_at: Id | null
}
export interface WorkerStats extends Record<WorkerStatus, number> {
  queue_id: Id, queue_name: string, total: number, producers: number, consumers: number
  /** Of workers that are not stopped. */
  oldest_heartbeat: Id | null, newest_heartbeat: Id | null
}
export interface WorkerHealth { queue_id: Id, queue_name: string, total: number, healthy: number, stale: number, stopped: number }

export interface WorkflowInfo { id: Id, name: string, queue_id: Id, created_at: Id }
export type WorkflowStatus = 'queued' | 'running' | 'paused' | 'success' | 'error' | 'cancelled'
export interface WorkflowRun<I = Json, O = Json> {
  readonly id: Id
  readonly workflow_id: Id
  readonly workflow_name: string
  /** The message that carries it; a resumed run has a new one. */
  readonly message_id: Id | null
  readonly status: WorkflowStatus
  /** How often it was started. */
  readonly attempt: number
  readonly input: I
  readonly output: O | null
  readonly error: string | null
  readonly created_at: Id
  readonly started_at: Id | null
  readonly updated_at: Id
  readonly paused_at: Id | null
  readonly completed_at: Id | null
}
export interface WorkflowStep<O = Json> {
  readonly id: Id
  readonly run_id: Id
  readonly step_name: string
  readonly status: 'running' | 'queued' | 'success' | 'error'
  readonly attempt: number
  readonly failures: number
  readonly output: O | null
  readonly error: string | null
  /** Of a queued step: from when on it may be acquired again. */
  readonly retry_at: Id | null
  readonly created_at: Id
  readonly started_at: Id
  readonly updated_at: Id
  readonly completed_at: Id | null
}
export interface RunFilter extends Page { workflow?: string, status?: WorkflowStatus }
export interface StepFilter extends Page { runId?: Id }

/** One attempt at a run, whose writes take effect only while the run is running it: else PAUSED, RUN_CANCELLED, STATE_TRANSITION. */
export interface Run<I = Json> extends WorkflowRun<I> {
  complete(output?: Json): Promise<WorkflowRun<I>>
  fail(reason: Error | string): Promise<WorkflowRun<I>>
  /**
   * Does a step once: what `work` answers is recorded, and answered by later attempts, which do not do it again. What it
   * throws is recorded and thrown; with `retry` the step may be done again after so long, `maxAttempts` times in all (3).
   */
  step<O extends Json>(name: string, work: (step: WorkflowStep) => O | Promise<O>, options?: { maxAttempts?: number, retry?: number }): Promise<O>
  /** Begins a step; one that has succeeded before is skipped. Rejects with STEP_NOT_READY, RETRIES_EXHAUSTED. */
  acquire(step: string, options?: { maxAttempts?: number }): Promise<{ result: 'execute' | 'skipped', step: WorkflowStep }>
  completeStep(step: string, output?: Json): Promise<WorkflowStep>
  /** Without `retry` the step has failed for good. */
  failStep(step: string, reason: Error | string, options?: { retry?: number }): Promise<WorkflowStep>
}
export const Run: unknown

/** A statement for a PostgreSQL connection of one's own, which answers ids of messages, one a row. */
export interface Sql {
  /** With placeholders $1, $2 and so on. */
  sql: string
  /** What they stand for, in their order; null of what is nullable is "not given". */
  parameters: { name: string, type: 'text' | 'bigint', nullable: boolean }[]
  returns: 'bigint'
}
/** `enqueue`: queue, payload, delay_ms, dedup_key. `enqueueBatch`: queue, payloads, delay_ms, dedup_keys, the lists as JSON arrays. */
export type SqlStatement = 'enqueue' | 'enqueueBatch'

declare abstract class Worker implements AsyncDisposable {
  /** The worker's id; 0 for an ephemeral producer. */
  readonly id: Id
  heartbeat(): Promise<void>
  suspend(): Promise<void>
  resume(): Promise<void>
  interrupt(): Promise<void>
  shutdown(): Promise<void>
  status(): Promise<WorkerStatus>
  /** Ends the worker and gives back what it holds. */
  close(): void
  [Symbol.asyncDispose](): Promise<void>
}

export class Producer extends Worker {
  private constructor()
  /** Stores one message and answers its id after the commit. */
  enqueue(payload: Json, options?: EnqueueOneOptions): Promise<Id>
  /** Stores all or none and answers their ids in input order. */
  enqueueBatch(payloads: Json[], options?: EnqueueBatchOptions): Promise<Id[]>
}

export class Consumer extends Worker {
  private constructor()
  /** Leases messages; none is an empty list. */
  dequeue<T = Json>(options?: DequeueOptions): Promise<Message<T>[]>
  /** Takes messages one after the other, for ever unless `wait` says how long; ends quietly when the signal aborts. */
  messages<T = Json>(options?: DequeueOptions): AsyncGenerator<Message<T>, void, void>
  /**
   * Tells of leases that were kept alive (`autoExtend`) and lost all the same: somebody else may have the message by now.
   * Ends quietly when the signal aborts.
   */
  losses(options?: Abortable): AsyncGenerator<{ id: Id, readCt: number }, void, void>
  /** A sign of life: leases that are kept alive (`autoExtend`) stay so for `span` from now. Answers how many. */
  keep(messages: (Row | Id)[], span: number): number
  archive(messages: (Row | Id)[]): Promise<boolean[]>
  delete(messages: (Row | Id)[]): Promise<boolean[]>
  extend(messages: (Row | Id)[], by: number): Promise<boolean[]>
  release(messages: (Row | Id)[], options?: { unread?: boolean }): Promise<boolean[]>
}

export class Store implements AsyncDisposable {
  private constructor()
  install(): Promise<void>
  verify(): Promise<void>
  /** Drops the tables and every message in them. */
  uninstall(): Promise<void>
  /** How calls that were in flight together have shared transactions. */
  activity(): Promise<{ [call: string]: { [count: string]: number } }>
  /** The settings of the database that bear on durability and speed, by name, in a fixed order. */
  inspect(): Promise<[string, string][]>
  /** The text of a statement for the schema of this store; throws UNSUPPORTED on SQLite. */
  sql(statement: SqlStatement): Sql
  stats(): Promise<{ [name: string]: number }>
  producer(queue: string, options?: WorkerOptions): Promise<Producer>
  consumer(queue: string, options?: WorkerOptions): Promise<Consumer>

  createQueue(name: string, options?: { maxReadCt?: number }): Promise<QueueInfo>
  getQueue(name: string): Promise<QueueInfo>
  getQueueById(id: Id): Promise<QueueInfo>
  listQueues(page?: Page): Promise<QueueInfo[]>
  countQueues(): Promise<number>
  deleteQueue(name: string): Promise<void>
  purgeQueue(name: string): Promise<number>
  metrics(name: string): Promise<QueueMetrics>

  getMessage(id: Id): Promise<Row>
  listMessages(filter?: Filter): Promise<Row[]>
  countMessages(filter?: Filter): Promise<number>
  getArchived(id: Id): Promise<Row>
  listArchived(filter?: Filter): Promise<Row[]>
  countArchived(filter?: Filter): Promise<number>
  deadLetter(id: Id): Promise<void>
  replay(id: Id): Promise<void>
  deleteArchived(id: Id): Promise<void>
  /** Removes archived messages for good: those for which everything that is given holds, and one thing must be. */
  purgeArchive(filter: { queue?: string, workerId?: Id, deadOnly?: boolean, olderThan?: number }): Promise<number>
  /** Takes leases back from workers without a heartbeat for so long: three intervals unless given. */
  reclaim(filter?: { queue?: string, olderThan?: number }): Promise<number>

  getWorker(id: Id): Promise<WorkerInfo>
  listWorkers(filter?: Page & { queue?: string }): Promise<WorkerInfo[]>
  countWorkers(filter?: { queue?: string }): Promise<number>
  /** The workers of one queue, or of each, by their state. */
  workerStats(filter?: { queue?: string }): Promise<WorkerStats[]>
  /** Live and dead ones, by the age of their heartbeat: three intervals unless given. */
  workerHealth(filter?: { queue?: string, olderThan?: number }): Promise<WorkerHealth[]>
  /** Stops a worker from outside, gives back all that it holds and answers how much that was. */
  releaseWorker(id: Id): Promise<number>
  deleteWorker(id: Id): Promise<void>
  /** Removes those that are stopped, or without a heartbeat for so long: sixty intervals unless given. */
  purgeWorkers(filter?: { olderThan?: number }): Promise<number>

  /** Creates a workflow, and the queue of its name that carries its runs. */
  createWorkflow(name: string, options?: { maxReadCt?: number }): Promise<WorkflowInfo>
  getWorkflow(name: string): Promise<WorkflowInfo>
  getWorkflowById(id: Id): Promise<WorkflowInfo>
  listWorkflows(page?: Page): Promise<WorkflowInfo[]>
  countWorkflows(): Promise<number>
  getRun(id: Id): Promise<WorkflowRun>
  listRuns(filter?: RunFilter): Promise<WorkflowRun[]>
  countRuns(filter?: RunFilter): Promise<number>
  getStep(id: Id): Promise<WorkflowStep>
  listSteps(filter?: StepFilter): Promise<WorkflowStep[]>
  countSteps(filter?: StepFilter): Promise<number>

  /** Stores a run, and the message that carries it, `{"run_id": id}`. */
  trigger(workflow: string, input: Json): Promise<WorkflowRun>
  /** Begins the next attempt of a run, on behalf of the leased message that carries it. */
  startRun<I = Json>(id: Id, options?: { message?: Row | Id }): Promise<Run<I>>
  pauseRun(id: Id): Promise<WorkflowRun>
  resumeRun(id: Id): Promise<WorkflowRun>
  cancelRun(id: Id): Promise<WorkflowRun>

  /** Ends the store, and every producer and consumer opened through it. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** Opens a store by DSN, for example "sqlite:///jobs.db" or "postgresql://user@host/database". */
export function open(dsn: string, options?: OpenOptions): Promise<Store>

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** What the library logged: something that went wrong where no call fails. */
export interface LogLine {
  readonly time: Date
  readonly level: LogLevel
  /** One sentence, the same for every line of its kind. */
  readonly message: string
  /** "store" is the DSN without its password; "error" says why. */
  readonly attributes: { readonly store: string, readonly error?: string, readonly [name: string]: Json | undefined }
  /** Lines that were lost since the one before, because this thread was busy for long. */
  readonly dropped: number
}

/**
 * Calls the listener with what the library logs from now on, in every store of the process, of this level ("warn")
 * and above. Answers what ends it. It keeps no process alive; without it nothing is logged.
 */
export function log(listener: (line: LogLine) => void, options?: { level?: LogLevel }): () => void
/** The text of a statement that stores messages in a PostgreSQL transaction of one's own; the schema is "public" unless given. */
export function sql(statement: SqlStatement, options?: { schema?: string }): Sql

/** The version of the library. */
export function version(): string
