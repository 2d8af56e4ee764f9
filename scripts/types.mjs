// npm run types: the whole repository, then every package that promises something narrower (protocol: no node:, no DOM).
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { ensureInstalled } from './ensure-installed.mjs'
import { exitWith, root, runPinnedNode } from './lib/child.mjs'

await exitWith(async () => {
  await ensureInstalled()
  const packages = readdirSync(join(root, 'packages')).map((name) => `packages/${name}/tsconfig.json`)
  const projects = ['tsconfig.json', ...packages.filter((project) => existsSync(join(root, project)))]
  let failed = 0
  for (const project of projects) {
    console.log(`tsc -p ${project}`)
    if ((await runPinnedNode(['node_modules/typescript/bin/tsc', '-p', project])) !== 0) failed += 1
  }
  return failed ? 1 : 0
})
