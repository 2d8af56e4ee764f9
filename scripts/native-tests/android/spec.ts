import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { run } from '../../real-clients/android/command.ts'
import { exists } from '../../real-clients/android/unpack-package.ts'

const PACKAGE = fileURLToPath(new URL('../../../packages/react-native/', import.meta.url))
const JAVA = 'java/dev/hotpatch/reactnative/NativeHotPatchSpec.java'

/**
 * What React Native's own generator makes of NativeHotPatch.ts when an app is built, compiled.
 * @param classes the folder of all that is compiled
 * @returns the folder of its classes
 */
export async function compileSpec(classes: string, libraries: readonly string[]): Promise<string> {
  await mkdir(classes, { recursive: true })
  const work = await mkdtemp(join(classes, 'work-'))
  try {
    await generateSpec(work)
    const source = join(work, JAVA)
    const hash = createHash('sha256')
      .update(await readFile(source))
      .update(libraries.join(':'))
    const folder = join(classes, `spec-${hash.digest('hex').slice(0, 16)}`)
    if (await exists(folder)) return folder
    const into = join(work, 'classes')
    await run('javac', ['-proc:none', '-nowarn', '--release', '8', '-d', into, '-cp', libraries.join(':'), source])
    await rename(into, folder).catch(async (error: unknown) => {
      // Somebody else may have had the same in the meantime.
      if (!(await exists(folder))) throw error
    })
    return folder
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

// A dependency of that package. Its modules are CommonJS, and have no entry.
const require = createRequire(join(PACKAGE, 'package.json'))
const codegen = (module: string): unknown => require(`@react-native/codegen/lib/${module}`)
const { TypeScriptParser } = codegen('parsers/typescript/parser') as {
  TypeScriptParser: new () => { parseFile(path: string): object }
}
const { generate } = codegen('generators/RNCodegen') as {
  generate(options: object, what: { generators: string[]; test: boolean }): boolean
}

async function generateSpec(into: string): Promise<void> {
  const { codegenConfig } = JSON.parse(await readFile(join(PACKAGE, 'package.json'), 'utf8')) as {
    codegenConfig: { name: string; jsSrcsDir: string; android: { javaPackageName: string } }
  }
  const options = {
    libraryName: codegenConfig.name,
    schema: new TypeScriptParser().parseFile(join(PACKAGE, codegenConfig.jsSrcsDir, 'NativeHotPatch.ts')),
    outputDirectory: into,
    packageName: codegenConfig.android.javaPackageName,
    assumeNonnull: false,
    includeGetDebugPropsImplementation: false,
  }
  if (!generate(options, { generators: ['modulesAndroid'], test: false })) {
    throw new Error('React Native makes nothing of NativeHotPatch.ts.')
  }
}
