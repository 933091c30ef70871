'use strict'
// The completion queue of this thread: calls go out, completions come back through
// a pipe that the event loop watches. It keeps the process alive only while
// something is under way.

const net = require('node:net')
const koffi = require('koffi')
const { constants } = require('./abi_gen.js')
const { PgqrsError, failure } = require('./errors.js')
const { library, options } = require('./library.js')

const COMPLETION = 32 // bytes, fixed for ABI 1
const AT_ONCE = 256
const F_DUPFD_CLOEXEC = 1030

class Queue {
  constructor () {
    this.lib = library()
    const handle = [0]
    // A pipe: Node.js wraps pipes and sockets, and no eventfd.
    must(this.lib.pgqrs_cq_open(options('pgqrs_cq_options', { flags: constants.CQ_PIPE }), handle))
    this.handle = handle[0]
    const fd = [0]
    must(this.lib.pgqrs_cq_fd(this.handle, fd))
    // A socket closes its descriptor, which the library's must not be.
    const fcntl = koffi.load(null).func('int fcntl(int fd, int command, int argument)')
    this.socket = new net.Socket({ fd: fcntl(fd[0], F_DUPFD_CLOEXEC, 0), readable: true, writable: false })
    // The socket has taken bytes out of the pipe, so everything must be polled now, or
    // no further byte would come.
    this.socket.on('data', () => this.drain())
    this.socket.unref()
    process.on('exit', () => this.lib.pgqrs_close(this.handle)) // of the process, or of this worker thread
    this.batch = Buffer.alloc(COMPLETION * AT_ONCE)
    this.waiting = new Map()
    this.listeners = 0 // how many of those that wait keep no process alive
    this.last = 0
  }

  drain () {
    for (let count = AT_ONCE; count === AT_ONCE;) {
      count = this.lib.pgqrs_cq_poll(this.handle, this.batch, AT_ONCE)
      if (count < 0) return this.end(count)
      for (let at = 0; at < count * COMPLETION; at += COMPLETION) this.deliver(at)
    }
    this.rest()
  }

  /** Lets the process end when nothing else than listening is under way. */
  rest () {
    if (this.waiting.size === this.listeners) this.socket.unref()
  }

  deliver (at) {
    const id = Number(this.batch.readBigUInt64LE(at))
    const status = this.batch.readInt32LE(at + 8)
    const result = this.batch.readBigUInt64LE(at + 16)
    const error = this.batch.readBigUInt64LE(at + 24)
    const call = this.waiting.get(id)
    if ((this.batch.readUInt32LE(at + 12) & constants.CQE_MORE) === 0) this.waiting.delete(id)
    if (status < 0) call.reject(failure(status, error))
    else call.resolve(result)
  }

  /** Fails what waits: the library has ended the queue. */
  end (status) {
    const calls = [...this.waiting.values()]
    this.waiting.clear()
    this.socket.unref()
    for (const call of calls) call.reject(failure(status, 0))
  }

  /**
   * Makes a call and answers what read() makes of its result, a handle.
   *
   * disposable  a result that comes after the signal has aborted is given back; else it is the answer
   * keep        the handle is an object that lives on; else it is closed
   */
  async call (name, args, read = () => undefined, { signal, disposable = false, keep = false } = {}) {
    signal?.throwIfAborted()
    const handle = await this.outcome(name, args, signal)
    if (disposable && signal?.aborted) {
      this.lib.pgqrs_result_discard(handle)
      throw signal.reason
    }
    return keep ? read(handle) : this.taken(handle, read)
  }

  async outcome (name, args, signal) {
    let op
    const cancel = () => this.lib.pgqrs_op_cancel(op)
    const result = new Promise((resolve, reject) => { op = this.submit(name, args, { resolve, reject }) })
    signal?.addEventListener('abort', cancel, { once: true })
    try {
      return await result
    } catch (error) { // the signal's reason is the answer iff nothing was stored
      throw signal?.aborted && error.code === 'CANCELLED' ? signal.reason : error
    } finally {
      signal?.removeEventListener('abort', cancel)
    }
  }

  /** Makes a call that answers more than once, and goes through what read() makes of each, until the signal aborts. */
  async * stream (name, args, read, { signal } = {}) {
    if (signal?.aborted) return
    const told = []
    let end
    let over = false
    let wake = () => {}
    const op = this.submit(name, args, {
      resolve: result => {
        if (over) return this.lib.pgqrs_close(result)
        told.push(result)
        wake()
      },
      reject: error => {
        end = error
        wake()
      }
    })
    const cancel = () => this.lib.pgqrs_op_cancel(op)
    signal?.addEventListener('abort', cancel, { once: true })
    try {
      for (;;) {
        while (told.length > 0) yield * this.taken(told.shift(), read)
        if (end) break
        await new Promise(resolve => { wake = resolve })
      }
      if (!signal?.aborted || end.code !== 'CANCELLED') throw end
    } finally {
      over = true
      cancel()
      signal?.removeEventListener('abort', cancel)
      for (const result of told) this.lib.pgqrs_close(result)
    }
  }

  /**
   * Makes a call that answers more than once, keeps no process alive, and is ended by what this answers.
   *
   * each  gets what read() makes of each result. Not while completions are taken: what it throws must not stop that
   */
  listen (name, args, read, each) {
    let stopped = false
    const op = this.submit(name, args, {
      resolve: result => {
        const value = this.taken(result, read)
        queueMicrotask(() => { if (!stopped) each(value) })
      },
      reject: () => { // it was stopped, or the library was: then every call says so
        this.listeners--
        this.rest()
      }
    }, true)
    return () => {
      stopped = true
      this.lib.pgqrs_op_cancel(op)
    }
  }

  /** What read() makes of a result, which is closed. */
  taken (result, read) {
    try {
      return read(result)
    } finally {
      this.lib.pgqrs_close(result)
    }
  }

  submit (name, args, call, listens = false) {
    const id = ++this.last
    const op = [0]
    const error = [0]
    const status = this.lib[name](...args, this.handle, id, op, error)
    if (status < 0) throw failure(status, error[0])
    if (listens) this.listeners++
    else this.socket.ref()
    this.waiting.set(id, call) // its completion cannot have been taken yet: that happens on this thread
    return op[0]
  }
}

function must (status) {
  if (status < 0) throw new PgqrsError(status)
}

let queue

/** The queue of this thread. */
module.exports = () => (queue ??= new Queue())
