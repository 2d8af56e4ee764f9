// What some tests need and not every machine has. Each entry answers with the environment that the tests read, plus
// `stop` when something was started, or with why it is `absent` and how to have it.
import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { ensureInstalled } from '../ensure-installed.mjs'
import { root } from './child.mjs'
import { findPostgres, startPostgres } from './postgres.mjs'

export const prerequisites = [
  { tests: 'the tests on a real PostgreSQL', prepare: preparePostgres },
  { tests: "artifacts in a real S3-compatible store, OpenStack's", prepare: prepareObjectStore },
  { tests: 'servers that share limits over a real Redis', prepare: prepareRedis },
  { tests: 'the tests in a browser', prepare: prepareChromium },
  { tests: 'the tests behind a real nginx', prepare: prepareNginx },
  { tests: 'the tests behind a real Caddy', prepare: prepareCaddy },
  { tests: 'alerts and the board, asked of a real Prometheus', prepare: preparePrometheus },
  { tests: 'the image, carried out line by line', prepare: prepareImage },
  { tests: "patches made and applied by Debian's bsdiff", prepare: prepareBsdiff },
  { tests: "kits' signatures, verified by minisign itself", prepare: () => prepareProgram('minisign') },
  { tests: "kits' timers, read by systemd itself", prepare: () => prepareProgram('systemd-analyze', 'systemd') },
  { tests: "the updater of Tauri's kind, built by cargo", prepare: prepareCargo },
  { tests: "Expo's own client, its Kotlin compiled", prepare: prepareJava },
  { tests: 'the Kotlin of @hotpatch/react-native, compiled and tested', prepare: prepareAndroidEngine },
  { tests: 'the Swift of @hotpatch/react-native, compiled and tested', prepare: prepareSwiftEngine },
  { tests: 'the Android code of plugins for React Native, compiled', prepare: prepareAndroidPlugins },
  { tests: 'the journey of the React Native example', prepare: prepareReactNative },
  { tests: 'the journey of the Capacitor example', prepare: prepareCapacitor },
  { tests: 'the journey of the Electron example', prepare: prepareElectron },
  { tests: 'the journey of the Expo example', prepare: prepareExpo },
]

async function preparePostgres() {
  if (process.env.TEST_POSTGRES_URL) return { env: {} }
  const programs = findPostgres()
  if (!programs) {
    return {
      absent: 'PostgreSQL is not installed',
      remedy: 'install it (Debian: apt-get install postgresql) or set TEST_POSTGRES_URL to an empty database',
    }
  }
  const { url, stop } = await startPostgres(programs)
  return { env: { TEST_POSTGRES_URL: url, POSTGRES_PROGRAMS: programs }, stop }
}

/** The tests start it themselves, each file its own. */
function prepareObjectStore() {
  if (spawnSync('/usr/bin/python3', ['-c', 'import swift']).status === 0) return { env: {} }
  return { absent: 'OpenStack Swift is not installed', remedy: 'install it (Debian: apt-get install python3-swift)' }
}

/** The tests start it themselves. */
function prepareRedis() {
  if (findOnPath('redis-server', 'valkey-server')) return { env: {} }
  return { absent: 'Redis is not installed', remedy: 'install it (Debian: apt-get install redis-server)' }
}

function prepareChromium() {
  const chromium = process.env.CHROMIUM_PATH || findOnPath('chromium', 'chromium-browser', 'google-chrome')
  if (chromium && isExecutable(chromium)) return { env: { CHROMIUM_PATH: chromium } }
  return {
    env: { CHROMIUM_PATH: undefined }, // tests only ask whether it is set
    absent: chromium ? `CHROMIUM_PATH is ${chromium}, which is not a program` : 'Chromium is not on PATH',
    remedy: 'install it (Debian: apt-get install chromium) or set CHROMIUM_PATH',
  }
}

function prepareNginx() {
  // Not on everybody's path on Debian.
  const nginx = findOnPath('nginx') ?? ['/usr/sbin/nginx', '/usr/local/sbin/nginx'].find(isExecutable)
  if (nginx) return { env: { NGINX_PATH: nginx } }
  return {
    env: { NGINX_PATH: undefined },
    absent: 'nginx is not installed',
    remedy: 'install it (Debian: apt-get install nginx-light)',
  }
}

function prepareCaddy() {
  const caddy = findOnPath('caddy')
  if (caddy) return { env: { CADDY_PATH: caddy } }
  return {
    env: { CADDY_PATH: undefined },
    absent: 'Caddy is not on PATH',
    remedy: 'install it (Debian: apt-get install caddy)',
  }
}

function preparePrometheus() {
  if (findOnPath('prometheus') && findOnPath('promtool')) return { env: { HOTPATCH_PROMETHEUS_READY: '1' } }
  return { absent: 'prometheus or promtool is not on PATH', remedy: 'install it (Debian: apt-get install prometheus)' }
}

/** Its base is a Debian that is made once, and its packages come over the network: some minutes. */
function prepareImage() {
  if (process.env.HOTPATCH_TEST_IMAGE === '0') {
    return { absent: 'HOTPATCH_TEST_IMAGE is 0', remedy: 'unset it', onPurpose: true }
  }
  if (process.platform !== 'linux' || process.getuid() !== 0) {
    return {
      absent: 'it is laid out in a folder that only root can make, on Linux',
      remedy: 'become root',
      onPurpose: true,
    }
  }
  if (existsSync('/usr/sbin/debootstrap')) return { env: { HOTPATCH_IMAGE_READY: '1' } }
  return { absent: 'debootstrap is not installed', remedy: 'install it (Debian: apt-get install debootstrap)' }
}

/** Each of three programs is the other side of what we write and read. */
function prepareBsdiff() {
  const [bsdiff, bspatch, bzip2] = ['bsdiff', 'bspatch', 'bzip2'].map((name) => findOnPath(name))
  if (bsdiff && bspatch && bzip2) return { env: { BSDIFF_PATH: bsdiff, BSPATCH_PATH: bspatch, BZIP2_PATH: bzip2 } }
  return {
    env: { BSDIFF_PATH: undefined, BSPATCH_PATH: undefined, BZIP2_PATH: undefined },
    absent: 'bsdiff, bspatch or bzip2 is not on PATH',
    remedy: 'install them (Debian: apt-get install bsdiff bzip2)',
  }
}

/** The tests look for it themselves. */
function prepareProgram(name, debianPackage = name) {
  if (findOnPath(name)) return { env: {} }
  return { absent: `${name} is not on PATH`, remedy: `install it (Debian: apt-get install ${debianPackage})` }
}

/** Its first build takes a minute or two; what it makes is kept in the system's folder for temporary files. */
function prepareCargo() {
  const cargo = findOnPath('cargo')
  const isRefused = process.env.HOTPATCH_TEST_CARGO === '0'
  if (cargo && !isRefused) return { env: { CARGO_PATH: cargo } }
  return {
    env: { CARGO_PATH: undefined },
    absent: isRefused ? 'HOTPATCH_TEST_CARGO is 0' : 'cargo is not on PATH',
    remedy: isRefused ? 'unset it' : 'install Rust',
    onPurpose: true,
  }
}

/** Its first run fetches some 350 MB and compiles for a minute or two; both are kept as above. */
function prepareJava() {
  const missing = findMissingJava()
  const isRefused = process.env.HOTPATCH_TEST_EXPO_CLIENT === '0'
  if (!missing && !isRefused) return { env: { HOTPATCH_EXPO_CLIENT_READY: '1' } }
  return {
    absent: isRefused ? 'HOTPATCH_TEST_EXPO_CLIENT is 0' : `${missing} is not on PATH`,
    remedy: isRefused ? 'unset it' : 'install a JDK of 17 or later and Maven',
    onPurpose: true,
  }
}

/** As above. Unlike a client of others it is a part of what is published: in CI it is never left out. */
function prepareAndroidEngine() {
  if (process.env.HOTPATCH_TEST_ANDROID_ENGINE === '0') {
    return { absent: 'HOTPATCH_TEST_ANDROID_ENGINE is 0', remedy: 'unset it', onPurpose: true }
  }
  const missing = findMissingJava()
  if (!missing) return { env: { HOTPATCH_ANDROID_ENGINE_READY: '1' } }
  return {
    absent: `${missing} is not on PATH`,
    remedy: 'install a JDK of 17 or later and Maven (Debian: apt-get install default-jdk-headless maven)',
  }
}

/** Whether the Debian with Swift can be made is seen when it is tried. */
function prepareSwiftEngine() {
  if (process.env.HOTPATCH_TEST_SWIFT_ENGINE === '0') {
    return { absent: 'HOTPATCH_TEST_SWIFT_ENGINE is 0', remedy: 'unset it', onPurpose: true }
  }
  if (process.platform !== 'linux' || process.getuid() !== 0) {
    return {
      absent: 'it runs in a Debian of its own, which only root can make, on Linux',
      remedy: 'become root, or run swift test in packages/react-native/ios',
      onPurpose: true,
    }
  }
  if (existsSync('/usr/sbin/debootstrap')) return { env: { HOTPATCH_SWIFT_ENGINE_READY: '1' } }
  return { absent: 'debootstrap is not installed', remedy: 'install it (Debian: apt-get install debootstrap)' }
}

/** Nothing is fetched for it: that is left to who runs all stories by hand. */
function prepareAndroidPlugins() {
  const missing = findMissingJava()
  const isRefused = process.env.HOTPATCH_TEST_ANDROID_PLUGINS === '0'
  const fetched = ['react-native', 'kotlin'].map((name) => join(tmpdir(), 'hotpatch-real-clients', name, 'fetched.xml'))
  const isFetched = fetched.every((path) => existsSync(path))
  if (!missing && !isRefused && isFetched) return { env: { HOTPATCH_ANDROID_PLUGINS_READY: '1' } }
  if (isRefused) return { absent: 'HOTPATCH_TEST_ANDROID_PLUGINS is 0', remedy: 'unset it', onPurpose: true }
  return {
    absent: missing ? `${missing} is not on PATH` : 'what they are compiled with was not fetched',
    remedy: 'run the two of scripts/real-clients that end in -android (CONTRIBUTING.md, "Real clients")',
    onPurpose: true,
  }
}

function findMissingJava() {
  return ['javac', 'mvn'].find((name) => !findOnPath(name))
}

function prepareReactNative() {
  return prepareExample('react-native', { refusal: 'HOTPATCH_TEST_REACT_NATIVE', ready: 'HOTPATCH_EXAMPLE_READY' })
}

function prepareCapacitor() {
  return prepareExample('capacitor', { refusal: 'HOTPATCH_TEST_CAPACITOR', ready: 'HOTPATCH_CAPACITOR_READY' })
}

function prepareExpo() {
  return prepareExample('expo', { refusal: 'HOTPATCH_TEST_EXPO', ready: 'HOTPATCH_EXPO_READY' })
}

async function prepareElectron() {
  if (!findOnPath('mksquashfs')) {
    return { absent: 'mksquashfs is not installed', remedy: 'install it (Debian: apt-get install squashfs-tools)' }
  }
  return prepareExample('electron', { refusal: 'HOTPATCH_TEST_ELECTRON', ready: 'HOTPATCH_ELECTRON_READY' })
}

/** What its own lock file names. */
async function prepareExample(name, { refusal, ready }) {
  const example = join(root, 'examples', name)
  if (process.env[refusal] === '0') return { absent: `${refusal} is 0`, remedy: 'unset it', onPurpose: true }
  if (!existsSync(join(example, 'package-lock.json'))) {
    return { absent: `examples/${name} is not there`, remedy: 'check it out', onPurpose: true }
  }
  try {
    await ensureInstalled(example)
  } catch (error) {
    return { absent: error.message, remedy: `run npm ci in examples/${name}` }
  }
  return { env: { [ready]: '1' } }
}

export function findOnPath(...names) {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean)
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable)
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false // absent, or not ours to run
  }
}
