// What the hooks in kit.json run: node tools/service.mjs start|stop|restart|renew|reload|running NAME
import { request } from 'node:http'

const root = new URL('../', import.meta.url).pathname
process.chdir(root)
const [action, name] = process.argv.slice(2)
const asking = request({ socketPath: 'run/services.sock', path: `/${action}/${name}`, method: 'POST' }, (answer) => {
  answer.pipe(process.stderr)
  process.exitCode = answer.statusCode === 200 ? 0 : 1
})
asking.on('error', (error) => {
  console.error(`Nobody looks after services here (${error.message}). Start it: node tools/services.mjs`)
  process.exitCode = 1
})
asking.end()
