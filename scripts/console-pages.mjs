// Builds the pages of the console when they are not of what is there now.
import { root } from './lib/child.mjs'
import { arePagesCurrent, buildPages } from './lib/console-pages.mjs'

const checkout = process.argv[2] ?? root
if (!arePagesCurrent(checkout)) await buildPages(checkout)
