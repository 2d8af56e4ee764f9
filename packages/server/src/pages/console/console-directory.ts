import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** Where the built pages are: a package beside this one, in the repository as where they are installed. */
export function consoleDirectory(): string {
  return join(dirname(createRequire(import.meta.url).resolve('@hotpatch/dashboard/package.json')), 'pages')
}
