// Looks after the services of this installation, as systemd or launchd would: node tools/services.mjs
// It is told what to do by tools/service.mjs, over a socket that only this user can open. When it ends, they end.
import { spawn } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'

const root = new URL('../', import.meta.url).pathname
process.chdir(root)
const SOCKET = 'run/services.sock'
const PATIENCE_MS = 15_000
const STEP_MS = 25
const services = JSON.parse(readFileSync('services.json', 'utf8'))
/** By name, one for each port of a service. */
const running = new Map(Object.entries(services).map(([name, { ports }]) => [name, ports.map(() => undefined)]))

const actions = {
  start: (name) => eachOf(name, start),
  stop: (name) => eachOf(name, stop),
  /** One after the other: while one is restarted, the others answer. */
  restart: (name) =>
    eachOf(name, async (service, index) => {
      await stop(service, index)
      await start(service, index)
    }),
  /** What runs is restarted, so that it reads its settings anew; what does not run stays as it is. */
  renew: (name) =>
    eachOf(name, async (service, index) => {
      if (!isRunning(service, index)) return
      await stop(service, index)
      await start(service, index)
    }),
  /** What can read its settings anew does, and what does not run is started. */
  reload: (name) =>
    eachOf(name, async (service, index) => {
      if (isRunning(service, index)) running.get(service)[index].kill('SIGHUP')
      else await start(service, index)
    }),
  running: (name) =>
    eachOf(name, async (service, index) => {
      if (!isRunning(service, index)) throw new Error(`${service} does not run.`)
    }),
}

mkdirSync('run', { recursive: true, mode: 0o700 })
mkdirSync('data', { recursive: true })
rmSync(SOCKET, { force: true })
let queue = Promise.resolve()
const control = createServer((asked, answer) => {
  const [action, name] = asked.url.slice(1).split('/')
  queue = queue
    .then(() => {
      if (!Object.hasOwn(actions, action))
        throw new Error(`Expected ${Object.keys(actions).join(', ')}; found ${action}.`)
      if (!running.has(name)) throw new Error(`Expected one of ${[...running.keys()].join(', ')}; found ${name}.`)
      return actions[action](name)
    })
    .then(
      () => answer.writeHead(200).end(),
      (error) => answer.writeHead(500).end(error.message),
    )
})
control.listen(SOCKET, () => console.log('Ready.'))
// After a start of the machine, everything that is installed is started.
for (const name of running.keys()) {
  if (!existsSync(services[name].needs)) continue
  queue = queue.then(() => actions.start(name)).catch((error) => console.error(error.message))
}
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, end)

async function end() {
  control.close()
  control.closeAllConnections()
  await queue
  await Promise.all([...running.keys()].map((name) => eachOf(name, stop)))
  process.exit(0)
}

async function eachOf(name, act) {
  for (const index of services[name].ports.keys()) await act(name, index)
}

function isRunning(name, index) {
  const child = running.get(name)[index]
  return child !== undefined && child.exitCode === null && child.signalCode === null
}

async function start(name, index) {
  if (isRunning(name, index)) return
  const { run, ports, env = {}, settings } = services[name]
  const [program, ...args] = run
  const log = openSync(`run/${name}-${index}.log`, 'a')
  const child = spawn(program === 'node' ? process.execPath : program, args, {
    env: { ...process.env, ...env, ...settingsIn(settings), PORT: String(ports[index]) },
    stdio: ['ignore', log, log],
  })
  closeSync(log)
  let problem
  child.on('error', (error) => {
    problem = error.message
  })
  running.get(name)[index] = child
  const end = Date.now() + PATIENCE_MS
  for (;;) {
    const health = await healthOf(name, index)
    if (health === undefined && isRunning(name, index)) return
    if (problem === undefined && isRunning(name, index) && Date.now() < end) {
      await wait(STEP_MS)
      continue
    }
    // What is ill is not left where requests go.
    await stop(name, index)
    throw new Error(`${name} does not get well: ${problem ?? health}. See run/${name}-${index}.log.`)
  }
}

async function stop(name, index) {
  const child = running.get(name)[index]
  if (isRunning(name, index)) {
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS)
    await ended
    clearTimeout(late)
  }
  running.get(name)[index] = undefined
}

/** Undefined: it is well. */
function healthOf(name, index) {
  const { ports, health = '/healthz' } = services[name]
  return new Promise((resolve) => {
    const asking = request({ host: '127.0.0.1', port: ports[index], path: health, timeout: 2_000 }, (answer) => {
      answer.resume()
      resolve(answer.statusCode === 200 ? undefined : `it answers ${health} with ${answer.statusCode}`)
    })
    asking.on('timeout', () => asking.destroy(new Error('it does not answer')))
    asking.on('error', (error) => resolve(error.message))
    asking.end()
  })
}

/** Of the service's own file, one KEY=VALUE a line. */
function settingsIn(path) {
  if (path === undefined || !existsSync(path)) return {}
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => /^\w+=/.test(line))
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]))
}
