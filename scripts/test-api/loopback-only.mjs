// Loaded before a server that is tested with made-up addresses: it asks nobody outside of this machine.
import dns from 'node:dns'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1|::ffff:127(?:\.\d{1,3}){3})$/
const refuse = (name) => Object.assign(new Error(`This server asks nobody outside: ${name}.`), { code: 'ENOTFOUND' })

const { lookup } = dns
dns.lookup = (name, ...rest) => {
  if (LOOPBACK.test(name)) return lookup(name, ...rest)
  process.nextTick(rest.at(-1), refuse(name))
}
const lookupSoon = dns.promises.lookup
dns.promises.lookup = (name, ...rest) =>
  LOOPBACK.test(name) ? lookupSoon(name, ...rest) : Promise.reject(refuse(name))

const { connect } = net.Socket.prototype
net.Socket.prototype.connect = function (...given) {
  const [first] = Array.isArray(given[0]) ? given[0] : given
  const host = typeof first === 'object' ? first.host : typeof given[1] === 'string' ? given[1] : undefined
  if (host === undefined || LOOPBACK.test(host)) return connect.apply(this, given)
  process.nextTick(() => this.destroy(refuse(host)))
  return this
}
syncBuiltinESMExports()
