// Builds the pages of the console when they are not of what is there now. Its argument is another checkout's folder.
import { root } from './lib/child.mjs'
import { arePagesCurrent, buildPages, withBuildLock } from './lib/console-pages.mjs'

const checkout = process.argv[2] ?? root
if (!arePagesCurrent(checkout)) {
  await withBuildLock(checkout, async () => {
    // Whoever had the lock may have built what is wanted.
    if (!arePagesCurrent(checkout)) await buildPages(checkout)
  })
}
