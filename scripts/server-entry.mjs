// Prints what to start the server from: its bundle, made now when there is none of what is there now.
// Its argument is another checkout's folder.
import { join } from 'node:path'
import { root } from './lib/child.mjs'
import { findBundle, SERVER_SOURCE } from './lib/find-bundle.mjs'

const checkout = process.argv[2] ?? root

async function makeBundle() {
  try {
    // The bundler has a part for each kind of machine, and may have none for this one.
    const { bundleServer } = await import('./lib/bundle-server.mjs')
    await bundleServer(checkout)
    return findBundle(checkout)
  } catch (error) {
    // A mistake in a source is told best by Node itself; and a folder may be for reading only.
    console.error(`hotpatch: the server starts from its sources, which takes longer: ${error.message}`)
    return undefined
  }
}

console.log(findBundle(checkout) ?? (await makeBundle()) ?? join(checkout, SERVER_SOURCE))
