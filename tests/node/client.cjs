// The npm client of ActionCable, unmodified, as a page would use it. What it is called back with
// goes out as lines of JSON; what it is to do comes in: subscribe, unsubscribe, perform.
// Started with the URL of a server; NODE_PATH says where the package is.
"use strict"

// What a page has and node has not: the client asks whether the page is looked at.
globalThis.addEventListener ??= () => {}
globalThis.removeEventListener ??= () => {}

const { ConnectionMonitor, adapters, createConsumer } = require("@rails/actioncable")
const { createInterface } = require("node:readline")

// Two seconds less to wait for than in a page; still more than the three between two pings.
ConnectionMonitor.staleThreshold = 4
adapters.WebSocket = WebSocket

const consumer = createConsumer(process.argv[2])
const subscriptions = {}

function tell(who, callback, given) {
  process.stdout.write(JSON.stringify({ who, callback, given }) + "\n")
}

// docs/dialects/inbox.md shows these few lines to those who want to miss nothing.
function subscribe(who, params) {
  let last
  subscriptions[who] = consumer.subscriptions.create(params, {
    connected(given) { tell(who, "connected", given) },
    rejected() { tell(who, "rejected") },
    disconnected(given) {
      if (last) this.identifier = JSON.stringify({ ...params, last_event_id: last })
      tell(who, "disconnected", given)
    },
    received(message) {
      last = message.event_id ?? last
      tell(who, "received", message)
    },
  })
}

createInterface({ input: process.stdin }).on("line", (line) => {
  const { what, who, params } = JSON.parse(line)
  if (what === "subscribe") subscribe(who, params)
  if (what === "unsubscribe") subscriptions[who].unsubscribe()
  if (what === "perform") subscriptions[who].perform(params.action)
}).on("close", () => process.exit(0))
