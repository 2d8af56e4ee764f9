// Prints how many bytes of heap the catalogs of a database take: `node --expose-gc catalog-memory.ts hotpatch.db`
import { dirname } from 'node:path'
import { readSecretsKey } from '../packages/server/src/people/access/secret-files.ts'
import { openDatabase } from '../packages/server/src/testing.ts'
import { createDeviceIdentity } from '../packages/server/src/fleet/devices/device-identity.ts'
import { sealDatabase } from '../packages/server/src/ground/secrets/seal-database.ts'
import { createSecretBox } from '../packages/server/src/ground/secrets/secret-box.ts'
import { createCatalogs } from '../packages/server/src/updates/catalogs.ts'

const path = process.argv[2] ?? ''
const db = openDatabase({ kind: 'sqlite', path })
const identity = createDeviceIdentity({ secret: 'for a measurement that hashes nothing' })
const box = createSecretBox([await readSecretsKey(dirname(path))])
await sealDatabase(db, box)
// Whatever the database library keeps, it keeps before.
await createCatalogs({ db, identity, box }).refresh()
const before = await collectedHeap()
const catalogs = createCatalogs({ db, identity, box })
await catalogs.refresh()
const after = await collectedHeap()
if (catalogs.counts().catalogs === 0) throw new Error('The database has no catalog.')
console.log(after - before)
await db.destroy()

async function collectedHeap(): Promise<number> {
  for (let round = 0; round < 3; round++) {
    await new Promise(setImmediate)
    globalThis.gc?.()
  }
  return process.memoryUsage().heapUsed
}
