import { isAddress, joinAddress } from '@hotpatch/device-ground'
import { readInteger, readString, UnexpectedJsonError } from '@hotpatch/protocol'
import type { InstalledPlace, ProbePlace } from './installation.ts'
import type { Mistakes } from './installation-mistakes.ts'
import { readKitPath } from './installation-paths.ts'
import { readHook, readMigration, readService } from './read-hooks.ts'

const HOST = /^[A-Za-z0-9.:_-]{1,253}$/
const MAX_PORT = 65_535

/** Kits §5.1: where a component lies. One that only migrates or repairs lies nowhere. */
export function readPlace(mistakes: Mistakes, value: unknown, pointer: string): InstalledPlace {
  const json = mistakes.fields(value, pointer, ['path', 'service', 'validate', 'reload', 'migration', 'probe'])
  const { path, service, validate, reload, migration, probe } = json
  return {
    path: path === undefined ? '' : readKitPath(mistakes, path, `${pointer}/path`),
    ...(service !== undefined && { service: readService(mistakes, service, `${pointer}/service`) }),
    ...(validate !== undefined && { validate: readHook(mistakes, validate, `${pointer}/validate`) }),
    ...(reload !== undefined && { reload: readHook(mistakes, reload, `${pointer}/reload`) }),
    ...(migration !== undefined && { migration: readMigration(mistakes, migration, `${pointer}/migration`) }),
    ...(probe !== undefined && { probe: readProbePlace(mistakes, probe, `${pointer}/probe`) }),
  }
}

export function readProbePlace(mistakes: Mistakes, value: unknown, pointer: string): ProbePlace {
  const { url, address, hook } = mistakes.fields(value, pointer, ['url', 'address', 'hook'])
  const readUrl = () => readProbeUrl(url, `${pointer}/url`)
  return {
    ...(url !== undefined && { url: mistakes.attempt('', readUrl) }),
    ...(address !== undefined && { address: readTcpAddress(mistakes, address, `${pointer}/address`) }),
    ...(hook !== undefined && { hook: readHook(mistakes, hook, `${pointer}/hook`) }),
  }
}

function readProbeUrl(value: unknown, pointer: string): string {
  const expected = 'an address of http or https without a query, such as http://127.0.0.1:8080'
  const url = readString(value, pointer, { expected })
  if (!isAddress(url) || joinAddress(url, '/') === undefined) throw new UnexpectedJsonError(pointer, expected, url)
  return url
}

function readTcpAddress(mistakes: Mistakes, value: unknown, pointer: string): { host: string; port: number } {
  const json = mistakes.fields(value, pointer, ['host', 'port'])
  return mistakes.attempt({ host: '', port: 0 }, () => {
    const host = readString(json.host, `${pointer}/host`, { pattern: HOST, expected: 'a host, such as 127.0.0.1' })
    const port = readInteger(json.port, `${pointer}/port`, 1)
    if (port > MAX_PORT) throw new UnexpectedJsonError(`${pointer}/port`, `at most ${MAX_PORT}`, port)
    return { host, port }
  })
}
