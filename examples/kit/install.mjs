// What an installer of the shop would do: lays out an installation that has nothing in it yet.
// node install.mjs --root DIR --server URL --app-id ID --app-key KEY --public-key KEY [--port 8200]
// It listens on that port, and uses the three above it.
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'

const names = ['root', 'server', 'app-id', 'app-key', 'public-key']
const { values } = parseArgs({
  options: {
    ...Object.fromEntries(names.map((name) => [name, { type: 'string' }])),
    port: { type: 'string', default: '8200' },
  },
})
const missing = names.filter((name) => !values[name])
if (missing.length > 0) throw new Error(`Say ${missing.map((name) => `--${name}`).join(', ')}, too.`)
const root = resolve(values.root)
if (existsSync(join(root, 'kit.json'))) throw new Error(`${root} has a kit.json: something is installed there.`)
const port = Number(values.port)
if (!(port >= 1024 && port <= 65_532)) throw new Error(`--port: expected 1024 to 65532, found ${values.port}.`)

mkdirSync(root, { recursive: true })
const from = new URL('installation/', import.meta.url)
cpSync(new URL('tools', from), join(root, 'tools'), { recursive: true })
for (const folder of ['bin', 'data', 'run']) mkdirSync(join(root, folder), { recursive: true })
const facts = {
  SERVER_URL: values.server,
  APP_ID: values['app-id'],
  APP_KEY: values['app-key'],
  PUBLIC_KEY: values['public-key'],
}
const ports = { EDGE_PORT: port, CATALOG_PORT: port + 1, GATEWAY_A_PORT: port + 2, GATEWAY_B_PORT: port + 3 }
writeFileSync(join(root, 'kit.json'), `${JSON.stringify(filled(read('kit.json')), null, 2)}\n`, { mode: 0o600 })
writeFileSync(join(root, 'services.json'), `${JSON.stringify(filled(read('services.json')), null, 2)}\n`)
console.log(`The installation is in ${root}. Next: cd ${root}, node tools/services.mjs &, hotpatch kit apply`)

function read(name) {
  return JSON.parse(readFileSync(new URL(name, from), 'utf8'))
}

/** Values alone: names of variables stay what they are. */
function filled(value) {
  if (Array.isArray(value)) return value.map(filled)
  if (typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, filled(each)]))
  }
  if (Object.hasOwn(facts, value)) return facts[value]
  return value.replaceAll(/[A-Z_]+_PORT/g, (name) => String(ports[name]))
}
