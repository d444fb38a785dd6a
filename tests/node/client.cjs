// The unmodified npm client of ActionCable, as a page uses it. Reads commands from standard input
// (subscribe, unsubscribe, perform) and writes each callback as a line of JSON.
// The argument is the URL of the server; the package is in NODE_PATH.
"use strict"

// Only browsers have these: the client listens for changes of the page's visibility.
globalThis.addEventListener ??= () => {}
globalThis.removeEventListener ??= () => {}

const { ConnectionMonitor, adapters, createConsumer } = require("@rails/actioncable")
const { createInterface } = require("node:readline")

// Two seconds shorter than in a page, and still longer than the three between two pings.
ConnectionMonitor.staleThreshold = 4
adapters.WebSocket = WebSocket

const consumer = createConsumer(process.argv[2])
const subscriptions = {}

function report(subscription, callback, argument) {
  process.stdout.write(JSON.stringify({ subscription, callback, argument }) + "\n")
}

// docs/dialects/inbox.md shows these lines: they make a client resume where it was disconnected.
function subscribe(subscription, params) {
  let last
  subscriptions[subscription] = consumer.subscriptions.create(params, {
    connected(argument) { report(subscription, "connected", argument) },
    rejected() { report(subscription, "rejected") },
    disconnected(argument) {
      if (last) this.identifier = JSON.stringify({ ...params, last_event_id: last })
      report(subscription, "disconnected", argument)
    },
    received(message) {
      last = message.event_id ?? last
      report(subscription, "received", message)
    },
  })
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const { command, subscription, params } = JSON.parse(line)
  if (command === "subscribe") subscribe(subscription, params)
  if (command === "unsubscribe") subscriptions[subscription].unsubscribe()
  if (command === "perform") subscriptions[subscription].perform(params.action)
}).on("close", () => process.exit(0))
