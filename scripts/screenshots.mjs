// npm run screenshots: pictures of every page of the console, at both widths and in both themes.
import { join } from 'node:path'
import { ensureInstalled } from './ensure-installed.mjs'
import { exitWith, root, runPinnedNode } from './lib/child.mjs'
import { findOnPath } from './lib/prerequisites.mjs'

await exitWith(async () => {
  await ensureInstalled()
  const chromium = process.env.CHROMIUM_PATH || findOnPath('chromium', 'chromium-browser', 'google-chrome')
  if (!chromium)
    throw new Error('Chromium is not on PATH: install it (Debian: apt-get install chromium) or set CHROMIUM_PATH.')
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  return runPinnedNode([vitest, 'run', '--project', 'journeys', 'tests/console/walk.test.ts'], {
    CHROMIUM_PATH: chromium,
    HOTPATCH_SCREENSHOTS: join(root, 'docs', 'images', 'console'),
  })
})
