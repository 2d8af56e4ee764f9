import { execFile } from 'node:child_process'
import { cp, mkdtemp, mkdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ANDROID, compileModules, fetchAll } from '../../scripts/native-tests/android/compile.ts'
import { swiftChroot } from '../../scripts/native-tests/swift/chroot.ts'
import { MissingTool } from '../../scripts/real-clients/attempt.ts'
import type { Bench, Finding, Measurement } from '../finding.ts'
import { makeLaunchFolder, METADATA } from '../launch-folder.ts'
import { makeDirectory, removeDirectory } from '../sandbox.ts'
import { median, ratioOf } from '../statistics.ts'

const FILES = [100, 2_000]
const READING = 'reading the two files that it goes by'
const execute = promisify(execFile)

/** Of one process, in nanoseconds. */
interface Times {
  first: number
  starts: number[]
  reads: number[]
}

/** Measures the release in this folder with a new process. @param counts of starts that count, and of those before */
type RunProcess = (folder: string, counts: readonly string[]) => Promise<Times>

interface Language {
  name: string
  /** @throws MissingTool */
  prepare(directory: string): Promise<RunProcess>
}

/** What `launch` measures of TypeScript, of the Kotlin engine on this machine's JVM. */
export const launchKotlin = measurementOf('launch-kotlin', {
  name: 'Kotlin',
  async prepare(directory) {
    const { jars } = await fetchAll()
    const compiled = await compileModules(['bench-tests'], { android: ANDROID, jars })
    const path = [...compiled.values(), ...jars.kotlin, ...jars.android].join(':')
    return async (folder, counts) => {
      const times = join(directory, 'times.json')
      const call = ['dev.hotpatch.bench.MeasureLaunchKt', folder, METADATA.join(), times, ...counts]
      await execute('java', ['-XX:+UseSerialGC', '-Xmx256m', '-cp', path, ...call])
      return JSON.parse(await readFile(times, 'utf8')) as Times
    }
  },
})

/** And of the Swift engine on Linux, compiled with -O. */
export const launchSwift = measurementOf('launch-swift', {
  name: 'Swift',
  async prepare() {
    const chroot = await swiftChroot('bench/swift')
    const scratch = ['--scratch-path', '/build/bench', '-c', 'release']
    const compiled = await chroot.run(['swift', 'build', ...scratch])
    if (compiled !== 0) throw new Error('The Swift does not compile.')
    return async (folder, counts) => {
      // What it reads and writes has to be there, where it runs.
      await mkdir(chroot.build, { recursive: true })
      const shared = await mkdtemp(join(chroot.build, 'launch-'))
      const there = join('/build', shared.slice(chroot.build.length))
      try {
        await cp(folder, join(shared, 'app'), { recursive: true })
        const call = [
          '/build/bench/release/MeasureLaunch',
          join(there, 'app'),
          METADATA.join(),
          join(there, 'times.json'),
        ]
        const code = await chroot.run([...call, ...counts])
        if (code !== 0) throw new Error(`The Swift ended with ${code}.`)
        return JSON.parse(await readFile(join(shared, 'times.json'), 'utf8')) as Times
      } finally {
        await rm(shared, { recursive: true, force: true })
      }
    }
  },
})

function measurementOf(name: string, language: Language): Measurement {
  return {
    name,
    async measure(bench) {
      const directory = makeDirectory()
      try {
        const run = await language.prepare(directory)
        const findings: Finding[] = []
        for (const files of FILES) findings.push(...(await measureLanguage(bench, { language, run, directory, files })))
        return findings
      } catch (error) {
        if (!(error instanceof MissingTool)) throw error
        return [{ what: `choice at start, ${language.name}`, value: undefined, unit: 'ms', note: error.message }]
      } finally {
        removeDirectory(directory)
      }
    },
  }
}

interface Subject {
  language: Language
  run: RunProcess
  directory: string
  files: number
}

async function measureLanguage(bench: Bench, { language, run, directory, files }: Subject): Promise<Finding[]> {
  const folder = join(directory, `of-${files}`)
  await makeLaunchFolder(folder, files)
  const counts = [bench.choose(200, 40), bench.choose(400, 100)].map(String)
  const processes: Times[] = []
  for (let round = 0; round < bench.choose(5, 2); round += 1) processes.push(await run(folder, counts))

  const reads = processes.map((each) => median(each.reads))
  const of = (what: string, values: readonly number[]): Finding => {
    const ratio = ratioOf(values, reads)
    const value = median(values) / 1e6
    return { what, value, unit: 'ms', ratio: ratio.value, spread: ratio.spread, comparedWith: READING }
  }
  const which = `${files.toLocaleString('en')} files, ${language.name}`
  return [
    of(
      `choice at start, ${which}`,
      processes.map((each) => median(each.starts)),
    ),
    of(
      `the first one of a process, ${which}`,
      processes.map((each) => each.first),
    ),
  ]
}
