'use strict'
// boundary IN_FLIGHT SECONDS - so many promises of no-ops at a time; prints how many it
// were and how long they took. The public API has no no-op: this reaches below it.

const path = require('node:path')
const queue = require(path.join(__dirname, '..', '..', 'bindings', 'node', 'lib', 'queue.js'))()

const [inFlight, seconds] = process.argv.slice(2).map(Number)

async function main () {
  let done = 0
  const start = performance.now()
  const end = start + seconds * 1000
  await Promise.all(Array.from({ length: inFlight }, async () => {
    while (performance.now() < end) {
      await queue.call('pgqrs_cq_nop', [])
      done++
    }
  }))
  console.log(JSON.stringify({ messages: done, seconds: (performance.now() - start) / 1000 }))
}

main()
