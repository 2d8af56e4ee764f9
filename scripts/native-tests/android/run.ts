import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { FOLDER } from '../../real-clients/android/command.ts'
import { needTools } from '../../real-clients/android/need-tools.ts'
import { orSkip } from '../../real-clients/attempt.ts'
import { ANDROID, compileModules, compileRunner, fetchAll } from './compile.ts'
import { findTestClasses } from './test-classes.ts'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))
/** Of all tests together: far more than they take on a busy machine. */
const PATIENCE_MS = 15 * 60_000
const DUMP_MS = 5_000
const TAKES = 'This takes a JDK of 17 or later and Maven, and a network the first time.'

/**
 * The Kotlin of @hotpatch/react-native, compiled and tested on a JVM. An argument such as `engine`, `VersionsTest` or
 * `VersionsTest#ranges` is a part of the names of classes, and behind "#" one of the names of tests: only what these need is
 * compiled.
 */
const [filter = ''] = process.argv.slice(2)
const [ofClass = '', ofTest = ''] = filter.split('#')

await needTools()
const classes = await findTestClasses(ANDROID, ofClass)
if (classes.length === 0) throw new Error(`No class with tests has "${ofClass}" in its name.`)
const { jars, runtime } = await orSkip(fetchAll(), TAKES)
const modules = [...new Set(classes.map(({ module }) => module))]
const compiled = await compileModules(modules, { android: ANDROID, jars })
const runner = await compileRunner(jars)

const settings = {
  'hotpatch.vectors': join(ROOT, 'vectors'),
  'robolectric.offline': true,
  'robolectric.dependency.dir': runtime,
  'robolectric.logging': 'stderr',
}
const folder = join(FOLDER, 'react-native-android', 'runs')
await mkdir(folder, { recursive: true })
const given = Object.entries(settings).map(([key, value]) => `-D${key}=${value}`)
const path = [runner, ...compiled.values(), ...Object.values(jars).flat()].join(':')
const options = ['-XX:+UseSerialGC', '-Xmx700m', '-Dfile.encoding=UTF-8', ...given, '-cp', path]
const child = spawn('java', [...options, 'RunTests', ofTest, ...classes.map(({ name }) => name)], {
  cwd: folder,
  // The names of files are UTF-8 on a phone, whatever they are here.
  env: { ...process.env, LC_ALL: 'C.UTF-8' },
  stdio: ['ignore', 'inherit', 'inherit'],
})
// Tests that never end say where they stand, as a JVM does when it is asked with this signal.
const patience = setTimeout(() => {
  child.kill('SIGQUIT')
  setTimeout(() => child.kill('SIGKILL'), DUMP_MS)
}, PATIENCE_MS)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
const [code] = (await once(child, 'exit')) as [number | null]
clearTimeout(patience)
process.exitCode = code ?? 1
