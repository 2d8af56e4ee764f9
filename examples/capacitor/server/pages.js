import { readdirSync, readFileSync } from 'node:fs'
import { extname, join, relative, sep } from 'node:path'

const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

/** The browser build. It is read once: nothing that a request says becomes a path on the disk. */
export function readPages(directory) {
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
  const pages = new Map(entries.map((entry) => readPage(directory, join(entry.parentPath, entry.name))))
  return {
    /** Every path without an extension is a page of the one app. */
    find: (path) => pages.get(path) ?? (extname(path) === '' ? pages.get('/index.html') : undefined),
  }
}

function readPage(directory, file) {
  const path = `/${relative(directory, file).split(sep).join('/')}`
  // Vite names what is in assets/ after its content.
  const caching = path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache'
  const type = TYPES[extname(file)] ?? 'application/octet-stream'
  return [path, { bytes: readFileSync(file), headers: { 'content-type': type, 'cache-control': caching } }]
}
