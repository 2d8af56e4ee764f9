// HotPatch in a process whose clock can be put forward: `node clock-server.ts <start, in milliseconds since 1970>`.
// A line on stdin is a number of milliseconds to go forward; the answer is the line "advanced".
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { createApp } from '../packages/server/src/app.ts'
import { readConfig } from '../packages/server/src/configuration/config.ts'
import { readEnvironment } from '../packages/server/src/configuration/env.ts'

const startedAt = Date.now()
let offset = Number(process.argv[2]) - startedAt
const config = readConfig(readEnvironment())
const app = await createApp({ config, clock: { now: () => Date.now() + offset } })
await app.http.listen({ host: '127.0.0.1', port: 0 })

createInterface({ input: process.stdin }).on('line', (line) => {
  offset += Number(line)
  process.stdout.write('advanced\n')
})
process.once('SIGTERM', () => {
  app.close().then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
process.stdout.write(`HotPatch listens on http://127.0.0.1:${(app.http.server.address() as AddressInfo).port}\n`)
