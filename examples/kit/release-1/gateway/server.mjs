// The shop's API: orders from its database, and how many items the catalog has.
import { createServer } from 'node:http'
import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as wait } from 'node:timers/promises'

const VERSION = '1.0.0'
const DATABASE = 'data/shop.db'
const { PORT, CATALOG_URL, SIGN_IN_URL } = process.env
const CATALOG_ATTEMPTS = 300
const CATALOG_PAUSE_MS = 100

const server = createServer(async (request, response) => {
  const answer = (status, body) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  }
  try {
    if (request.url === '/healthz') {
      orders()
      return answer(200, { version: VERSION })
    }
    if (request.url !== '/api/orders') return answer(404, { error: 'not found' })
    const { version: catalog, count: items } = await askCatalog()
    answer(200, { version: VERSION, catalog, signIn: SIGN_IN_URL, items, orders: orders() })
  } catch (error) {
    answer(503, { error: error.message })
  }
})
server.listen(Number(PORT), '127.0.0.1')

// Whoever is being answered gets an answer.
process.on('SIGTERM', () => {
  server.close(() => process.exit(0))
  server.closeIdleConnections()
})

let opened

/** A database that was brought back is another file, which is opened anew. */
function orders() {
  const { ino } = statSync(DATABASE)
  if (opened?.ino !== ino) {
    opened?.database.close()
    const database = new DatabaseSync(DATABASE, { readOnly: true, timeout: 5_000 })
    opened = { ino, database, all: database.prepare('select id, item from orders') }
  }
  return opened.all.all()
}

/** It is restarted now and then: then it is asked again, for a while. */
async function askCatalog() {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await (await fetch(`${CATALOG_URL}/items`)).json()
    } catch (error) {
      if (attempt === CATALOG_ATTEMPTS) throw error
      await wait(CATALOG_PAUSE_MS)
    }
  }
}
