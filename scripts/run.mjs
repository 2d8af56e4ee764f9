// Runs a TypeScript file of this repository on the pinned Node: node scripts/run.mjs bench/main.ts [arguments]
import { ensureInstalled } from './ensure-installed.mjs'
import { exitWith, runPinnedNode } from './lib/child.mjs'

await exitWith(async () => {
  await ensureInstalled()
  return runPinnedNode(process.argv.slice(2))
})
