import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, readdirSync, readFileSync, readSync, statSync, writeFileSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { zipSync } from 'fflate'
import { BUNDLE, bundleExample, compileHermes, isExampleInstalled } from '../example-bundles.ts'
import type { Finding, Measurement } from '../finding.ts'
import type { PatchUsage } from '../patch-process.ts'
import { makeDirectory, removeDirectory, runNode } from '../sandbox.ts'

const PATCH_PROCESS = fileURLToPath(new URL('../patch-process.ts', import.meta.url))
/** Releases of a package whose files have digests in their names; the first two follow each other. */
const WEB_PACKAGE = {
  name: '@ionic/core',
  folder: 'package/dist/ionic',
  base: '9.0.4',
  target: '9.0.5',
  older: '8.8.19',
}
const MB = 1_000_000
const MAX_PEAK_MB = 400
const MAX_APPLY_MS = 50

const execute = promisify(execFile)

type Kind = 'tree' | 'bsdiff40' | 'bsdiff43'

interface Case {
  what: string
  kind: Kind
  base: string
  target: string
  /** Of the bytes of the full zip. */
  maxShare?: number
}

export const patches: Measurement = {
  name: 'patches',
  async measure(bench) {
    const directory = makeDirectory()
    const findings = [
      ...(await ofExample(directory)),
      ...(await ofWebPackage(directory)),
      ...(await ofLargeFile(directory, bench.choose(25, 8))),
    ]
    removeDirectory(directory)
    return findings
  },
}

async function ofExample(directory: string): Promise<Finding[]> {
  const what = 'patches of the React Native example'
  if (!isExampleInstalled()) return [notMeasured(what, 'run npm ci in examples/react-native')]
  const { base, fix, feature } = await bundleExample(directory)
  const bytecode = await compileHermes(base, join(directory, 'bytecode'))
  const compile = (folder: string, from?: string) =>
    compileHermes(folder, `${folder}-${from ? 'based' : 'plain'}`, from)
  const plain = await compile(feature)
  const trees: readonly (readonly [what: string, base: string, target: string, maxShare: number])[] = [
    ['text fix, JavaScript', base, fix, 0.1],
    ['feature, JavaScript', base, feature, 0.24],
    ['text fix, bytecode', bytecode, await compile(fix), 0.1],
    ['feature, bytecode', bytecode, plain, 0.24],
    ['text fix, bytecode compiled on the base', bytecode, await compile(fix, bytecode), 0.01],
    ['feature, bytecode compiled on the base', bytecode, await compile(feature, bytecode), 0.05],
    ['JavaScript, packed', await nothingIn(directory), feature, 1],
    ['bytecode, packed', await nothingIn(directory), plain, 1],
  ]
  const findings: Finding[] = []
  for (const [what, from, to, maxShare] of trees) {
    findings.push(...(await shareOf(directory, { what, kind: 'tree', base: from, target: to, maxShare })))
  }
  const files = { base: join(bytecode, BUNDLE), target: join(`${feature}-plain`, BUNDLE) }
  for (const kind of ['bsdiff40', 'bsdiff43'] as const) {
    findings.push(...(await shareOf(directory, { what: `feature, bytecode, ${kind}`, kind, ...files })))
  }
  return [...findings, ...(await ofTwoMegabytes(directory, [base, bytecode], [feature, `${feature}-plain`]))]
}

/** No bundle of the example has two megabytes; its JavaScript and its bytecode together have. */
async function ofTwoMegabytes(
  directory: string,
  bases: readonly string[],
  targets: readonly string[],
): Promise<Finding[]> {
  const [base, target] = [join(directory, 'base.bin'), join(directory, 'target.bin')]
  const both = (folders: readonly string[]) =>
    Buffer.concat(folders.map((folder) => readFileSync(join(folder, BUNDLE))))
  writeFileSync(base, both(bases))
  writeFileSync(target, both(targets))
  const findings: Finding[] = []
  for (const kind of ['bsdiff40', 'bsdiff43'] as const) {
    const { applied } = await measure(directory, { kind, base, target })
    findings.push({
      what: `applying ${kind} for ${(statSync(target).size / MB).toFixed(1)} MB`,
      value: applied.processorMs,
      unit: 'ms',
      budget: `< ${MAX_APPLY_MS} ms for 2 MB`,
      met: applied.processorMs < MAX_APPLY_MS,
    })
  }
  return findings
}

async function ofWebPackage(directory: string): Promise<Finding[]> {
  const { name, folder, base, target, older } = WEB_PACKAGE
  const trees = new Map<string, string>()
  for (const version of [base, target, older]) {
    const into = join(directory, `web-${version}`)
    await mkdir(into)
    try {
      const args = ['pack', `${name}@${version}`, '--silent', '--pack-destination', into]
      const { stdout } = await execute('npm', args, { cwd: into })
      await execute('tar', ['xzf', join(into, stdout.trim()), '-C', into])
    } catch {
      return [notMeasured(`patches of ${name}`, `npm pack ${name}@${version} and tar did not give its files`)]
    }
    trees.set(version, join(into, folder))
  }
  const packed = { what: `${name} ${target}, packed`, kind: 'tree' as const, base: await nothingIn(directory) }
  const findings = await shareOf(directory, { ...packed, target: trees.get(target)! })
  for (const from of [base, older]) {
    const what = `${name} ${from} to ${target}`
    findings.push(
      ...(await shareOf(directory, { what, kind: 'tree', base: trees.get(from)!, target: trees.get(target)! })),
    )
  }
  return findings
}

/** Content §8.3: a patch of nothing is a way to pack the whole. */
async function nothingIn(directory: string): Promise<string> {
  const nothing = join(directory, 'nothing')
  await mkdir(nothing, { recursive: true })
  return nothing
}

/** Of Node's own program, and the same two megabytes further on: real code, most of which has moved. */
async function ofLargeFile(directory: string, megabytes: number): Promise<Finding[]> {
  const [base, target] = [join(directory, 'large-base.bin'), join(directory, 'large-target.bin')]
  writeFileSync(base, pieceOfNode(20 * MB, megabytes * MB))
  writeFileSync(target, pieceOfNode(22 * MB, megabytes * MB))
  const { made } = await measure(directory, { kind: 'bsdiff40', base, target })
  const peak = (made.peakMib * 1024 * 1024) / MB
  return [
    {
      what: `peak memory of making, ${megabytes} MB`,
      value: peak,
      unit: 'MB',
      budget: `< ${MAX_PEAK_MB} MB for 25 MB`,
      met: peak < MAX_PEAK_MB,
    },
    { what: `making, ${megabytes} MB`, value: made.processorMs / 1000, unit: 's' },
  ]
}

function pieceOfNode(offset: number, length: number): Buffer {
  const piece = Buffer.alloc(length)
  const file = openSync(process.execPath, 'r')
  const read = readSync(file, piece, 0, length, offset)
  closeSync(file)
  if (read < length) throw new Error(`Expected Node to have ${offset + length} bytes, found ${offset + read}.`)
  return piece
}

async function shareOf(directory: string, { what, maxShare, ...given }: Case): Promise<Finding[]> {
  const { made, applied, patchBytes } = await measure(directory, given)
  const zipBytes = zipOf(given.target)
  const share = patchBytes / zipBytes
  return [
    {
      what: `${what}: patch`,
      value: share * 100,
      unit: '%',
      comparedWith: `the full zip: ${patchBytes} of ${zipBytes} bytes`,
      ...(maxShare !== undefined && { budget: `<= ${maxShare * 100} %`, met: share <= maxShare }),
    },
    { what: `${what}: making`, value: made.processorMs, unit: `ms, peak ${Math.round(made.peakMib)} MiB` },
    { what: `${what}: applying`, value: applied.processorMs, unit: `ms, peak ${Math.round(applied.peakMib)} MiB` },
  ]
}

async function measure(directory: string, { kind, base, target }: Omit<Case, 'what' | 'maxShare'>) {
  const patch = join(directory, 'patch')
  const run = async (does: 'make' | 'apply'): Promise<PatchUsage> => {
    const child = runNode([PATCH_PROCESS, does, kind, base, target, patch])
    const [out, errors] = [text(child.stdout!), text(child.stderr!)]
    const [code] = (await once(child, 'close')) as [number | null]
    if (code !== 0) throw new Error(`To ${does} a patch failed: ${await errors}`)
    return JSON.parse(await out) as PatchUsage
  }
  const made = await run('make')
  return { made, applied: await run('apply'), patchBytes: statSync(patch).size }
}

function zipOf(path: string): number {
  if (statSync(path).isFile()) return zipSync({ [BUNDLE]: readFileSync(path) }, { level: 9 }).length
  const names = readdirSync(path, { recursive: true, encoding: 'utf8' }).filter((name) =>
    statSync(join(path, name)).isFile(),
  )
  return zipSync(Object.fromEntries(names.map((name) => [name, readFileSync(join(path, name))])), { level: 9 }).length
}

function notMeasured(what: string, note: string): Finding {
  return { what, value: undefined, unit: '', note }
}
