import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { World } from '../world.ts'

const PART = /\.part$/
/** An upload and what is written of it. */
const UPLOAD = /^([0-9a-f-]{36}~[0-9a-f-]{36})/

/** After a stop and a start: what is on its way to somewhere must be gone, but for uploads that may go on. */
export async function lookForLeftovers({ site, ledger, findings }: World): Promise<void> {
  for (const directory of new Set(site.servers.map((server) => server.directory))) {
    for (const name of await filesBelow(directory)) {
      const file = name.split('/').at(-1) ?? ''
      const [, upload] = UPLOAD.exec(file) ?? []
      const isLeft = PART.test(file) || (upload !== undefined && !ledger.uploads.has(upload))
      findings.expectThat('nothing-left', !isLeft, () => `${name} is still there.`)
    }
  }
  for (const name of await readdir(site.temporary)) {
    findings.expectThat('nothing-left', false, () => `The folder for temporary files has ${name}.`)
  }
}

async function filesBelow(directory: string): Promise<string[]> {
  const found = await readdir(directory, { recursive: true, withFileTypes: true })
  return found.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name))
}
