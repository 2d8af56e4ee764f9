// From the root of the repository: node scripts/run.mjs examples/binaries/make.ts
// Makes the APKs, the App Bundle and the IPA in this folder anew. Needs aapt2, apksigner, zipalign, zip and a JDK, as of
// the Debian packages aapt, apksigner, zipalign, zip, android-framework-res and default-jdk-headless; no Android SDK.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { anIpa, aPng } from '@hotpatch/testkit/binaries'

const here = import.meta.dirname
const framework = '/usr/share/android-framework-res/framework-res.apk'
const work = mkdtempSync(join(tmpdir(), 'hotpatch-binaries-'))
const run = (command: string, ...args: string[]) => execFileSync(command, args, { cwd: work, encoding: 'utf8' })

/** A key for this once: whoever has it could publish an update of what is installed. */
const password = 'example'
run(
  'keytool',
  ...'-genkeypair -keystore key.jks -alias hello -keyalg EC -groupname secp256r1 -validity 36500'.split(' '),
  '-dname',
  'CN=HotPatch example',
  '-storepass',
  password,
)

for (const [density, size] of [
  ['mdpi', 48],
  ['xxhdpi', 144],
] as const) {
  mkdirSync(join(here, `res/mipmap-${density}`), { recursive: true })
  writeFileSync(join(here, `res/mipmap-${density}/ic_launcher.png`), aPng(size))
  writeFileSync(join(here, `res/mipmap-${density}/ic_launcher_foreground.png`), aPng(size, [255, 255, 255, 128]))
}
run('aapt2', 'compile', '--dir', join(here, 'res'), '-o', 'compiled.zip')
mkdirSync(join(work, 'lib/arm64-v8a'), { recursive: true })
writeFileSync(join(work, 'lib/arm64-v8a/libhello.so'), 'not a library: this app has no code\n')

const link = (output: string, code: number, ...more: string[]) =>
  run(
    'aapt2',
    'link',
    '-I',
    framework,
    '--manifest',
    join(here, 'AndroidManifest.xml'),
    '--version-code',
    String(code),
    '--version-name',
    `1.${code}.0`,
    '-o',
    output,
    'compiled.zip',
    ...more,
  )

for (const code of [1, 2]) {
  link('unsigned.apk', code)
  run('zip', '-q', 'unsigned.apk', 'lib/arm64-v8a/libhello.so')
  run('zipalign', '-f', '4', 'unsigned.apk', 'aligned.apk')
  const apk = join(here, `hello-1.${code}.0.apk`)
  run(
    'apksigner',
    'sign',
    '--ks',
    'key.jks',
    '--ks-pass',
    `pass:${password}`,
    '--v1-signing-enabled',
    'false',
    '--v4-signing-enabled',
    'false',
    '--out',
    apk,
    'aligned.apk',
  )
}

// What an App Bundle holds, without bundletool: the same in aapt2's other form, in a folder for the base module.
link('proto.apk', 1, '--proto-format')
const bundle = join(work, 'bundle/base')
mkdirSync(join(bundle, 'manifest'), { recursive: true })
run('unzip', '-q', 'proto.apk', '-d', 'bundle/base')
cpSync(join(bundle, 'AndroidManifest.xml'), join(bundle, 'manifest/AndroidManifest.xml'))
rmSync(join(bundle, 'AndroidManifest.xml'))
cpSync(join(work, 'lib'), join(bundle, 'lib'), { recursive: true })
rmSync(join(here, 'hello-1.1.0.aab'), { force: true })
execFileSync('zip', ['-qrX', join(here, 'hello-1.1.0.aab'), 'base'], { cwd: join(work, 'bundle') })
run('jarsigner', '-keystore', 'key.jks', '-storepass', password, join(here, 'hello-1.1.0.aab'), 'hello')

writeFileSync(
  join(here, 'hello-1.1.0.ipa'),
  anIpa({ id: 'com.example.hello', name: 'Hello App', version: '1.1.0', build: '1' }),
)

// What Android's own tools read of it: tests hold the server's reader against that.
const badging = run('aapt', 'dump', 'badging', join(here, 'hello-1.1.0.apk'))
const certificates = run('apksigner', 'verify', '--print-certs', join(here, 'hello-1.1.0.apk'))
writeFileSync(join(here, 'badging.txt'), `${badging}${certificates}`)
rmSync(work, { recursive: true })
console.log(readFileSync(join(here, 'badging.txt'), 'utf8'))
