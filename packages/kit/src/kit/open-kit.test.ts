import { createHash } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeInstalledKit, writeKitManifest, type KitComponent, type NewKitManifest } from '@hotpatch/protocol'
import { newSigningKey, temporaryDirectory, zipOf } from '@hotpatch/testkit'
import { createVirtualClock } from '@hotpatch/client/memory'
import { createNodeCrypto } from '@hotpatch/client/node'
import { createStop } from '@hotpatch/device-ground'
import { systemClock } from '@hotpatch/device-ground/system-clock'
import { describe, expect, test } from 'vitest'
import { nodeProcess } from '../applying/node-process.ts'
import { examineKit } from '../doctor/examine-kit.ts'
import type { KitDisk } from '../ground/kit-disk.ts'
import { TRUST_FILE } from '../ground/kit-files.ts'
import { createNodeDisk } from '../ground/node-disk.ts'
import { COORDINATOR_VARIABLE, POINTER_FILE, readPointer, writePointer } from '../launcher/launcher.ts'
import type { ApplyOptions, KitOptions } from './kit.ts'
import { openKit } from './open-kit.ts'

const APP = '0197f0c2-7f0a-7c3e-9a55-2b1d6f1e8a01'
const key = newSigningKey()
const YES: ApplyOptions['consent'] = { kind: 'ask', ask: () => Promise.resolve(true) }

interface Made {
  releaseId: string
  sequence: number
  pages: Record<string, string>
  more?: Partial<NewKitManifest>
  kind?: KitComponent['kind']
}

/** A bundle, as `hotpatch kit bundle` writes it. */
async function bundleOf({ releaseId, sequence, pages, more, kind = 'files' }: Made, signedBy = key): Promise<string> {
  const folder = await temporaryDirectory()
  const zip = await zipOf(pages)
  const sha256 = createHash('sha256').update(zip).digest('hex')
  const text = writeKitManifest({
    appId: APP,
    releaseId,
    channel: 'stable',
    sequence,
    floor: 0,
    createdAt: '2026-06-02T12:00:00.000Z',
    severity: 'informational',
    allowsPartial: false,
    components: [
      {
        id: 'web',
        kind,
        version: releaseId,
        order: 10,
        files: [{ platform: 'any', architecture: 'any', format: 'zip', sha256, sizeBytes: zip.length }],
        supportsRollback: true,
        isOptional: false,
      },
    ],
    probe: { type: 'hook', attempts: 1, intervalMs: 0, timeoutMs: 10_000 },
    ...more,
  })
  const signatures = [{ scheme: 'ed25519', keyId: 'test', value: signedBy.sign(Buffer.from(text)) }]
  await mkdir(join(folder, 'artifacts'))
  await writeFile(join(folder, 'latest.json'), text)
  await writeFile(join(folder, 'latest.json.sig'), JSON.stringify({ signatures }))
  await writeFile(join(folder, 'artifacts', sha256), zip)
  return folder
}

/** An installation with one folder, which works while it has an index.html that says so. */
async function install(more: Record<string, unknown> = {}) {
  const root = await temporaryDirectory()
  const probe = `process.exit(require('fs').readFileSync('web/index.html','utf8').includes('broken') ? 1 : 0)`
  const document = {
    publicKeys: [key.publicKey],
    components: { web: { path: 'web' } },
    probe: { hook: { run: [process.execPath, '-e', probe], timeoutMs: 10_000 } },
    ...more,
  }
  await writeFile(join(root, 'kit.json'), JSON.stringify(document))
  await mkdir(join(root, 'web'))
  await writeFile(join(root, 'web', 'index.html'), 'first')
  await writeFile(
    join(root, 'substratum-kit-release.json'),
    writeInstalledKit({ releaseId: '1', channel: 'stable', components: { web: { version: '1' } } }),
  )
  const open = (options: Partial<KitOptions> = {}) =>
    openKit({ root, environment: {}, installerVersion: '1.0.0', process, ...options })
  const page = () => readFile(join(root, 'web', 'index.html'), 'utf8')
  return { root, open, page }
}

const SECOND: Made = { releaseId: '2', sequence: 7, pages: { 'index.html': 'second' } }
const THIRD: Made = { releaseId: '3', sequence: 8, pages: { 'index.html': 'third' } }
const BROKEN: Made = { releaseId: '4', sequence: 9, pages: { 'index.html': 'broken' } }

describe('a kit', () => {
  test('checks, plans, applies with consent, and is what it should be then', async () => {
    const { open, page, root } = await install()
    const [kit, bundle] = [await open(), await bundleOf(SECOND)]
    expect(await kit.check({ bundle })).toMatchObject({ kind: 'available', releaseId: '2', isRequired: false })
    expect(await kit.plan({ bundle })).toMatchObject({
      plan: { direction: 'forward', steps: [{ component: { id: 'web' } }] },
    })
    expect(await page()).toBe('first')

    const told: string[] = []
    const outcome = await kit.apply({
      bundle,
      consent: YES,
      onReport: ({ kind, component }) => told.push(`${component ?? 'kit'} ${kind}`),
    })
    expect(outcome).toMatchObject({ kind: 'committed', releaseId: '2', failed: [] })
    expect(await page()).toBe('second')
    expect(told).toEqual(
      expect.arrayContaining(['web planned', 'kit downloaded', 'web applied', 'kit applied', 'kit confirmed']),
    )
    expect(await kit.status()).toMatchObject({
      installed: { releaseId: '2', sequence: 7 },
      trust: { sequence: 7 },
      open: undefined,
    })
    expect(await kit.check({ bundle })).toMatchObject({ kind: 'up-to-date' })
    expect(await kit.apply({ bundle, consent: YES })).toMatchObject({ kind: 'nothing-to-do' })
    const events = (await kit.log(100)).map(({ event }) => event)
    expect(events).toEqual(expect.arrayContaining(['check', 'apply', 'committed']))
    expect(await readlink(join(root, 'web'))).toContain('.kit/versions/web/')
  })

  test('without consent nothing is changed, and nothing is left of it', async () => {
    const { open, page, root } = await install()
    const kit = await open()
    const refused = kit.apply({
      bundle: await bundleOf(SECOND),
      consent: { kind: 'ask', ask: () => Promise.resolve(false) },
    })
    await expect(refused).rejects.toMatchObject({ code: 'not-consented' })
    expect(await page()).toBe('first')
    await expect(readdir(join(root, '.kit', 'artifacts'))).rejects.toThrow()
  })

  test('other bytes than were signed blame whoever brought them: the release is taken from the next', async () => {
    const { open, page } = await install()
    const [kit, bundle] = [await open(), await bundleOf(SECOND)]
    const artifacts = join(bundle, 'artifacts')
    const [sha256 = ''] = await readdir(artifacts)
    const signed = await readFile(join(artifacts, sha256))
    await writeFile(join(artifacts, sha256), Buffer.alloc(signed.length))
    expect(await kit.apply({ bundle, consent: YES })).toMatchObject({
      kind: 'reverted',
      why: { code: 'hash-mismatch' },
    })
    await writeFile(join(artifacts, sha256), signed)
    expect(await kit.check({ bundle })).toMatchObject({ kind: 'available', releaseId: '2' })
    expect(await kit.apply({ bundle, consent: YES })).toMatchObject({ kind: 'committed', releaseId: '2' })
    expect(await page()).toBe('second')
  })

  test('what does not work is taken back, remembered, and tried again only when somebody wants it', async () => {
    const { open, page } = await install()
    const [kit, bundle] = [await open(), await bundleOf(BROKEN)]
    expect(await kit.apply({ bundle, consent: YES })).toMatchObject({
      kind: 'reverted',
      releaseId: '4',
      why: { code: 'probe-failed' },
    })
    expect(await page()).toBe('first')
    expect(await kit.check({ bundle })).toMatchObject({ kind: 'failed-before', failed: { code: 'probe-failed' } })
    await expect(kit.apply({ bundle, consent: YES })).rejects.toMatchObject({ code: 'not-consented' })
    expect(await kit.apply({ bundle, consent: YES, triesAgain: true })).toMatchObject({ kind: 'reverted' })
    expect(await kit.status()).toMatchObject({ installed: { releaseId: '1' }, trust: { sequence: 0 } })
  })

  test('goes back to the release before by what is kept, which is verified again', async () => {
    const { open, page, root } = await install()
    const kit = await open()
    await expect(kit.rollback({ consent: YES })).rejects.toMatchObject({ code: 'partial-kit' })
    await kit.apply({ bundle: await bundleOf(SECOND), consent: YES })
    await kit.apply({ bundle: await bundleOf(THIRD), consent: YES })
    expect(await kit.status()).toMatchObject({ before: '2' })
    expect(await readdir(join(root, '.kit', 'artifacts'))).toHaveLength(2)
    expect(await kit.rollback({ consent: YES })).toMatchObject({ kind: 'committed', releaseId: '2' })
    expect(await page()).toBe('second')
    // What was left is not offered again; what this machine has seen stays seen.
    expect(await kit.status()).toMatchObject({
      trust: { sequence: 8 },
      failed: [{ releaseId: '3', code: 'rolled-back' }],
    })
    expect(await kit.check({ bundle: await bundleOf(THIRD) })).toMatchObject({ kind: 'failed-before' })
    await expect(kit.check({ bundle: await bundleOf(SECOND) })).rejects.toMatchObject({ code: 'sequence-too-low' })
  })

  test('does not go back below a floor, nor to what no known key has signed, nor without its bytes', async () => {
    const { open, root, page } = await install()
    const kit = await open()
    await kit.apply({ bundle: await bundleOf(SECOND), consent: YES })
    await kit.apply({ bundle: await bundleOf({ ...THIRD, more: { floor: 8 } }), consent: YES })
    await expect(kit.rollback({ consent: YES })).rejects.toMatchObject({ code: 'below-floor' })

    const other = await install()
    const second = await other.open()
    await second.apply({ bundle: await bundleOf(SECOND), consent: YES })
    await second.apply({ bundle: await bundleOf(THIRD), consent: YES })
    await rm(join(other.root, '.kit', 'artifacts'), { recursive: true })
    await expect(second.rollback({ consent: YES })).rejects.toMatchObject({ code: 'download-failed' })
    const kitJson = JSON.parse(await readFile(join(other.root, 'kit.json'), 'utf8')) as object
    await writeFile(
      join(other.root, 'kit.json'),
      JSON.stringify({ ...kitJson, publicKeys: [newSigningKey().publicKey] }),
    )
    await expect((await other.open()).rollback({ consent: YES })).rejects.toMatchObject({ code: 'signature-invalid' })
    expect([await page(), await other.page()]).toEqual(['third', 'third'])
    expect(await readdir(join(root, '.kit', 'transactions')).catch(() => [])).toEqual([])
  })

  test('what nobody known has signed changes nothing, and no floor', async () => {
    const { open, page } = await install()
    const [kit, bundle] = [await open(), await bundleOf({ ...SECOND, more: { floor: 7 } }, newSigningKey())]
    await expect(kit.check({ bundle })).rejects.toMatchObject({ code: 'signature-invalid' })
    await expect(kit.apply({ bundle, consent: YES })).rejects.toMatchObject({ code: 'signature-invalid' })
    expect(await kit.status()).toMatchObject({ trust: { sequence: 0, floor: 0 } })
    expect((await kit.log(10)).map(({ event }) => event)).toContain('check-failed')
    expect(await page()).toBe('first')
  })

  test('a stop before the commit takes everything back', async () => {
    const { open, page } = await install()
    const [kit, stop] = [await open(), createStop()]
    const onReport: ApplyOptions['onReport'] = ({ component, kind }) => {
      if (component === 'web' && kind === 'applied') stop.stop()
    }
    const outcome = await kit.apply({ bundle: await bundleOf(SECOND), consent: YES, stopped: stop, onReport })
    expect(outcome).toMatchObject({ kind: 'reverted', why: { code: 'stopped' } })
    expect(await page()).toBe('first')
    // Nothing speaks against the release: it is offered again.
    expect(await kit.check({ bundle: await bundleOf(SECOND) })).toMatchObject({ kind: 'available' })
  })

  test('one at a time', async () => {
    const { open } = await install()
    const [kit, second, bundle] = [await open(), await open(), await bundleOf(SECOND)]
    const ask = async () => {
      await expect(second.apply({ bundle, consent: YES })).rejects.toMatchObject({ code: 'already-running' })
      return true
    }
    expect(await kit.apply({ bundle, consent: { kind: 'ask', ask } })).toMatchObject({ kind: 'committed' })
  })

  test('unasked is applied only what the operator allows, when he allows it', async () => {
    const bundle = await bundleOf(SECOND)
    const { open } = await install({ consent: { auto: ['app'] } })
    const unasked = (await open()).apply({ bundle, consent: { kind: 'unasked' } })
    await expect(unasked).rejects.toMatchObject({ code: 'not-consented' })
  })

  test('is put off, for seven days or one', async () => {
    const { open } = await install()
    const now = Date.parse('2026-06-02T12:00:00Z')
    const clock = createVirtualClock({ whenIdle: setImmediate, startAt: now })
    const kit = await open({ ports: { clock } })
    const bundle = await bundleOf(SECOND)
    expect(await kit.snooze({ bundle })).toMatchObject({ releaseId: '2', until: now + 7 * 86_400_000 })
    expect(await kit.check({ bundle })).toMatchObject({ kind: 'available', snoozed: { releaseId: '2' } })
    const security = await bundleOf({ ...THIRD, more: { severity: 'security' } })
    expect(await kit.snooze({ bundle: security })).toMatchObject({ until: now + 86_400_000 })
    clock.set(86_400_000)
    expect(await kit.check({ bundle: security })).toMatchObject({ isRequired: true, snoozed: undefined })
  })

  test('a new coordinator that reaches nobody stays, and has still to show that it works', async () => {
    const source = { url: 'http://127.0.0.1:9', appId: APP }
    const { open, root } = await install({ source })
    const sha256 = 'a'.repeat(64)
    const pointer = { current: { version: '2', sha256 }, previous: null, probation: { starts: 2 }, failed: [] }
    await mkdir(join(root, '.kit/coordinator'), { recursive: true })
    await writeFile(join(root, POINTER_FILE), writePointer(pointer))
    const http = { open: () => ({ response: Promise.reject(new Error('no route')), abort() {} }) }
    const clock = createVirtualClock({ whenIdle: setImmediate })
    const kit = await open({ environment: { [COORDINATOR_VARIABLE]: sha256 }, ports: { http, clock } })
    await expect(kit.check()).rejects.toMatchObject({ code: 'check-failed' })
    expect(readPointer(await readFile(join(root, POINTER_FILE), 'utf8')).probation).toEqual({ starts: 0 })
  })

  test("a new coordinator on a disk that is damaged, full or somebody else's is neither confirmed nor blamed", async () => {
    const { open, root } = await install()
    const [sha256, before] = ['a'.repeat(64), 'b'.repeat(64)]
    await mkdir(join(root, '.kit', 'coordinator'), { recursive: true })
    const [current, previous] = [sha256, before].map((each) => ({ version: '2.0.0', sha256: each }))
    const pointer = { current: current ?? null, previous: previous ?? null, probation: { starts: 1 }, failed: [] }
    const probation = async () => readPointer(await readFile(join(root, POINTER_FILE), 'utf8')).probation
    const bundle = await bundleOf(SECOND)
    const check = async (disk: KitDisk) => {
      await writeFile(join(root, POINTER_FILE), writePointer(pointer))
      const kit = await open({ environment: { [COORDINATOR_VARIABLE]: sha256 }, ports: { disk } })
      return kit.check({ bundle })
    }
    const disk = createNodeDisk(root)
    const failing = (code: string): KitDisk => ({
      ...disk,
      read: (path) =>
        path === TRUST_FILE ? Promise.reject(Object.assign(new Error(`${code}: read`), { code })) : disk.read(path),
    })
    await writeFile(join(root, TRUST_FILE), '{')
    await expect(check(disk)).rejects.toMatchObject({ code: 'storage-failed' })
    expect(await probation()).toEqual({ starts: 0 })
    await expect(check(failing('ENOSPC'))).rejects.toMatchObject({ code: 'storage-full' })
    expect(await probation()).toEqual({ starts: 0 })
    await expect(check(failing('EACCES'))).rejects.toMatchObject({
      code: 'storage-failed',
      message: expect.stringContaining('run it as the user who owns the installation'),
    })
    expect(await probation()).toEqual({ starts: 0 })
  })

  test('a sequence that nobody has signed counts while it stands there, and is not remembered', async () => {
    const { open, root } = await install()
    const [kit, bundle, file] = [await open(), await bundleOf(SECOND), join(root, 'substratum-kit-release.json')]
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.replace('{', '{"sequence":9007199254740991,'))
    await expect(kit.check({ bundle })).rejects.toMatchObject({ code: 'sequence-too-low' })
    await writeFile(file, text)
    expect(await kit.check({ bundle })).toMatchObject({ kind: 'available' })
  })

  test('without a word of what is installed checks are skipped, and an apply mends it', async () => {
    const { open, root, page } = await install()
    await rm(join(root, 'substratum-kit-release.json'))
    const [kit, bundle] = [await open(), await bundleOf(SECOND)]
    expect(await kit.check({ bundle })).toEqual({ kind: 'skipped', reason: 'installed-unknown' })
    expect(await kit.check()).toEqual({ kind: 'skipped', reason: 'no-source' })
    expect(await kit.apply({ bundle, consent: YES })).toMatchObject({ kind: 'committed' })
    expect(await page()).toBe('second')
  })

  test('what a process has left that was ended in the middle is taken back before anything else', async () => {
    const { open, page, root } = await install()
    const [kit, bundle] = [await open(), await bundleOf(SECOND)]
    let isDead = false
    const disk = createNodeDisk(root)
    // From the moment on at which the new folder is in the place of the old one, nothing reaches the disk.
    const dying = new Proxy(disk, {
      get: (target, name) => {
        const work: unknown = Reflect.get(target, name)
        if (typeof work !== 'function') return work
        return async (...given: unknown[]) => {
          if (isDead) throw new Error('the power is gone')
          const result: unknown = await Reflect.apply(work, target, given)
          if (name === 'link' && given[1] === 'web') isDead = true
          return result
        }
      },
    })
    const dead = { pid: 4_000_000, boot: 'another', started: '1' }
    const process = { own: dead, isSameBoot: () => false, isRunning: () => false, startedAt: () => undefined }
    const ended = (await open({ ports: { disk: dying, process } })).apply({ bundle, consent: YES })
    await expect(ended).rejects.toThrow()
    expect(await page()).toBe('second')

    expect(await kit.status()).toMatchObject({ open: { releaseId: '2', state: 'applying' } })
    expect(await kit.recover()).toMatchObject({ kind: 'reverted', releaseId: '2' })
    expect(await page()).toBe('first')
    expect(await kit.recover()).toEqual({ kind: 'nothing-open' })
    expect(await kit.apply({ bundle, consent: YES })).toMatchObject({ kind: 'committed' })
    expect(await readdir(join(root, '.kit'))).not.toContain('current')
  })
})

test('a folder that others may write to is said by the doctor, as is a program that is not there', async () => {
  const { root } = await install({
    components: { web: { path: 'web', service: { restart: { run: ['/nowhere/restart'], timeoutMs: 1_000 } } } },
  })
  await chmod(join(root, 'kit.json'), 0o666)
  const findings = await examineKit({
    disk: createNodeDisk(root),
    crypto: createNodeCrypto(),
    clock: systemClock(),
    process: nodeProcess(),
    canRun: (program) => Promise.resolve(program === process.execPath),
    modeOf: (path) => Promise.resolve(path === 'kit.json' ? 0o100666 : undefined),
    canWrite: (path) => Promise.resolve(path !== 'web'),
  })
  const failed = findings.filter(({ status }) => status === 'fail').map(({ id, message }) => `${id}: ${message}`)
  expect(failed).toEqual([
    'hooks: The program /nowhere/restart of web is not there, or may not be run.',
    'rights: This user may not write into web.',
    expect.stringContaining('rights: Others may write kit.json'),
  ])
})

test('the doctor says who holds the lock, who was ended while he held it, and what to type', async () => {
  const { root } = await install()
  const own = nodeProcess()
  const disk = createNodeDisk(root)
  const look = async () => {
    const findings = await examineKit({
      disk,
      crypto: createNodeCrypto(),
      clock: systemClock(),
      process: own,
      canRun: () => Promise.resolve(true),
      modeOf: () => Promise.resolve(undefined),
      canWrite: () => Promise.resolve(true),
    })
    return findings.find(({ id }) => id === 'lock')
  }
  const put = (holder: object) => writeFile(join(root, '.kit', 'lock', '1'), JSON.stringify(holder))
  expect(await look()).toMatchObject({ status: 'ok' })
  await mkdir(join(root, '.kit', 'lock'), { recursive: true })
  await put(own.own)
  expect(await look()).toMatchObject({ status: 'warn', fix: expect.stringContaining(`ps -p ${own.own.pid}`) })
  await put({ ...own.own, space: 'pid:[1]' })
  expect(await look()).toMatchObject({
    message: expect.stringContaining('pid:[1]'),
    fix: expect.stringContaining('rm -r'),
  })
  await put({ ...own.own, boot: 'another' })
  expect(await look()).toMatchObject({ status: 'warn', fix: 'hotpatch kit recover' })
})
