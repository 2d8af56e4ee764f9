// Prints what to start the server or the tool from: its bundle, made now when there is none of what is there now.
// Arguments: "server" or "cli", and another checkout's folder.
import { join } from 'node:path'
import { root } from './lib/child.mjs'
import { findBundle, SERVER, TOOL } from './lib/find-bundle.mjs'

const [name, checkout = root] = process.argv.slice(2)
const part = [SERVER, TOOL].find((each) => each.name === name)
if (!part) throw new Error(`Expected server or cli; found ${name}.`)

async function makeNow() {
  try {
    // The bundler has a part for each kind of machine, and may have none for this one.
    const { makeBundle } = await import('./lib/make-bundle.mjs')
    await makeBundle(checkout, part)
    return findBundle(checkout, part)
  } catch (error) {
    // A mistake in a source is told best by Node itself; and a folder may be for reading only.
    console.error(`hotpatch: the ${name} starts from its sources, which takes longer: ${error.message}`)
    return undefined
  }
}

console.log(findBundle(checkout, part) ?? (await makeNow()) ?? join(checkout, part.source))
