'use strict'
// Finding and opening the shared library: once, at the first call that needs it.

const fs = require('node:fs')
const path = require('node:path')
const { isMainThread } = require('node:worker_threads')
const koffi = require('koffi')
const { constants, functions, structs } = require('./abi_gen.js')

const VARIABLE = 'PGQRS_LIBRARY'
const SONAME = 'libpgqrs.so.1'

let loaded

/** The functions of the library by their names in pgqrs.h. Throws an Error that lists what was tried. */
function library () {
  loaded ??= load()
  return loaded
}

function candidates () {
  const named = process.env[VARIABLE] // the only one: another than the one asked for would hide a mistake
  return named ? [named] : [path.join(__dirname, SONAME), SONAME]
}

function load () {
  const tried = []
  for (const candidate of candidates()) {
    try {
      return open(candidate)
    } catch (problem) {
      tried.push(`\n  ${candidate}: ${problem.message}`)
    }
  }
  throw new Error(`The pgqrs library cannot be loaded. Build it with \`make lib\`, install it with \`make install\`, ` +
    `or name it in ${VARIABLE}. Tried:${tried.join('')}`)
}

function open (file) {
  if (path.isAbsolute(file) && !fs.existsSync(file)) throw new Error('no such file')
  const handle = koffi.load(file)
  const version = handle.func('int32_t pgqrs_abi_version(void)')()
  if (version !== constants.ABI_VERSION) {
    throw new Error(`it implements ABI ${version}, this package speaks ABI ${constants.ABI_VERSION}`)
  }
  declare()
  const found = {}
  for (const [name, prototype] of Object.entries(functions)) found[name] = handle.func(prototype)
  const status = found.pgqrs_runtime_wait()
  if (status < 0) throw new Error(`its runtime did not start (status ${status})`)
  if (isMainThread) process.on('exit', () => found.pgqrs_shutdown_wait(500)) // the end of a worker is not the library's
  return found
}

let declared

/** The twins of the structs, by name. */
function declare () {
  if (declared) return declared
  declared = {}
  for (const [name, fields] of Object.entries(structs)) declared[name] = koffi.struct(name, fields)
  return declared
}

/** An options struct: what is not given is zero. */
function options (name, given) {
  const record = {}
  for (const [field, type] of Object.entries(structs[name])) {
    record[field] = type === 'pgqrs_str' ? text(given[field]) : given[field] ?? (type.endsWith('*') ? null : 0)
  }
  record.struct_size = koffi.sizeof(declare()[name])
  return record
}

/** Borrowed bytes for the length of a call. Nothing is "not given". */
function text (value) {
  if (value === undefined || value === null) return { data: null, len: 0 }
  const bytes = Buffer.from(value, 'utf8')
  return { data: bytes.length ? bytes : null, len: bytes.length }
}

/** What a value is in JSON. */
function document (value, name) {
  const encoded = JSON.stringify(value)
  if (encoded === undefined) throw new TypeError(`${name}: not encodable as JSON`)
  return encoded
}

/** Copies what the library shows. */
function string (view) {
  const length = Number(view.len)
  return length === 0 ? '' : Buffer.from(koffi.decode(view.data, 'uint8_t', length)).toString('utf8')
}

/** The records of a list; the stride is the library's. */
function records (list, type) {
  const all = []
  for (let i = 0; i < list.count; i++) all.push(koffi.decode(list.items, i * list.item_size, type))
  return all
}

module.exports = { declare, document, library, options, records, string, text }
