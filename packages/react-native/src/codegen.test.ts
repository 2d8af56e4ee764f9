import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import manifest from '../package.json' with { type: 'json' }

// React Native's own, which apps run when they are built. Its modules are CommonJS, and have no entry.
const require = createRequire(import.meta.url)
const { TypeScriptParser } = require('@react-native/codegen/lib/parsers/typescript/parser') as {
  TypeScriptParser: new () => { parseFile(path: string): Schema }
}
const codegen = require('@react-native/codegen/lib/generators/RNCodegen') as {
  generate(options: object, what: { generators: string[]; test: boolean }): boolean
}

interface Schema {
  modules: Record<string, { moduleName: string; spec: { methods: { name: string }[] } }>
}

const SPEC = fileURLToPath(new URL('NativeHotPatch.ts', import.meta.url))
const { name: libraryName, android } = manifest.codegenConfig

let directory: string
let schema: Schema

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hotpatch-codegen-'))
  schema = new TypeScriptParser().parseFile(SPEC)
  const options = {
    libraryName,
    schema,
    outputDirectory: directory,
    packageName: android.javaPackageName,
    assumeNonnull: false,
    includeGetDebugPropsImplementation: false,
  }
  const generators = ['modulesAndroid', 'modulesIOS', 'modulesCxx']
  expect(codegen.generate(options, { generators, test: false })).toBe(true)
})
afterAll(() => rm(directory, { recursive: true, force: true }))

/** One blank between words, whatever the generator thinks of lines. */
async function generated(path: string): Promise<string> {
  return (await readFile(join(directory, path), 'utf8')).replaceAll(/\s+/g, ' ')
}

test('the spec is a native module with the name that both platforms register', () => {
  expect(Object.keys(schema.modules)).toEqual(['NativeHotPatch'])
  expect(schema.modules.NativeHotPatch?.moduleName).toBe('HotPatch')
  expect(Object.keys(manifest.codegenConfig.ios.modulesProvider)).toEqual(['HotPatch'])
})

test('Android gets a class that is a module of the old bridge, too', async () => {
  const java = await generated('java/dev/hotpatch/reactnative/NativeHotPatchSpec.java')
  expect(java).toContain('extends ReactContextBaseJavaModule implements TurboModule')
  expect(java).toContain('public abstract void configure(String configuration, Promise promise);')
  expect(java).toContain('public abstract void setChannel(@Nullable String channel, Promise promise);')
  // What blocks says so: the status for the first render, and a crash before the app ends.
  const blocking = [...java.matchAll(/isBlockingSynchronousMethod = true\) @DoNotStrip public abstract ([^;]+);/g)]
  expect(blocking.map(([, signature]) => signature)).toEqual(['String status()', 'boolean crashed()'])
})

test('iOS gets a protocol without types of C++', async () => {
  const header = await generated(`${libraryName}/${libraryName}.h`)
  const [, protocol = ''] = /@protocol NativeHotPatchSpec <RCTBridgeModule, RCTTurboModule>(.*?)@end/.exec(header) ?? []
  expect(protocol).toContain('- (NSString *)status;')
  expect(protocol).toContain('- (NSNumber *)crashed;')
  expect(protocol).toContain('- (void)sync:(RCTPromiseResolveBlock)resolve reject:(RCTPromiseRejectBlock)reject;')
  expect(protocol).not.toMatch(/::|struct/)
})

test('every method is on both platforms', async () => {
  const methods = schema.modules.NativeHotPatch?.spec.methods.map(({ name }) => name) ?? []
  expect(methods).toContain('rollBack')
  const java = await generated('java/dev/hotpatch/reactnative/NativeHotPatchSpec.java')
  const header = await generated(`${libraryName}/${libraryName}.h`)
  for (const name of methods) {
    expect(java).toMatch(new RegExp(`abstract \\w+ ${name}\\(`))
    expect(header).toMatch(new RegExp(`- \\([^)]+\\)${name}[:;]`))
  }
})
