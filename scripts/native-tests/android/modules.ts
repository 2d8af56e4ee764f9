import type { LibrarySet } from './libraries.ts'

/**
 * The packages of Kotlin, each compiled by itself with nothing but those that it may know: an arrow that goes the wrong way
 * does not compile. Whoever builds an app compiles all of them at once.
 */
export interface Module {
  name: string
  /** Below the folder of Android's sources. */
  folder: string
  knows: readonly string[]
  libraries: readonly LibrarySet[]
  /** The Java whose library it may use: Android 24 has that of 8, in the main. */
  java: 8 | 17
}

const MAIN = 'src/main/kotlin/dev/hotpatch'
const TESTS = 'src/test/kotlin/dev/hotpatch'

const ENGINE = ['protocol', 'delta', 'engine'] as const
const SHELL = [...ENGINE, 'android', 'reactnative'] as const

export const MODULES: readonly Module[] = [
  main('protocol', []),
  main('delta', ['protocol']),
  main('engine', ['protocol', 'delta']),
  main('android', ENGINE),
  main('reactnative', [...ENGINE, 'android']),
  tests('testing', ['protocol']),
  tests('protocol', ['protocol', 'testing-tests']),
  tests('delta', ['protocol', 'delta', 'testing-tests']),
  tests('engine', [...ENGINE, 'testing-tests']),
  // What ports are held against is the engine's.
  tests('android', [...ENGINE, 'android', 'engine-tests', 'testing-tests']),
  // Tests nothing: bench/measurements/native-launch.ts runs it.
  tests('bench', [...ENGINE, 'android']),
  tests('reactnative', [...SHELL, 'engine-tests', 'testing-tests']),
]

function main(name: (typeof SHELL)[number], knows: readonly string[]): Module {
  const isEngine = (ENGINE as readonly string[]).includes(name)
  return {
    name,
    folder: `${MAIN}/${name}`,
    knows,
    libraries: isEngine
      ? ['kotlin']
      : name === 'reactnative'
        ? ['kotlin', 'android', 'generated', 'spec']
        : ['kotlin', 'android'],
    java: isEngine ? 8 : 17,
  }
}

function tests(name: string, knows: readonly string[]): Module {
  const folder = `${TESTS}/${name}`
  const libraries = ['kotlin', 'android', 'generated', 'spec', 'tests'] as const
  return { name: `${name}-tests`, folder, knows, libraries, java: 17 }
}

/** With all that it knows, each after what it knows itself. */
export function withKnown(names: readonly string[]): Module[] {
  const wanted = new Set<string>()
  const want = (name: string) => {
    moduleOf(name).knows.forEach(want)
    wanted.add(name)
  }
  names.forEach(want)
  return MODULES.filter(({ name }) => wanted.has(name))
}

function moduleOf(name: string): Module {
  const found = MODULES.find((each) => each.name === name)
  if (!found) throw new Error(`There is no module ${name}.`)
  return found
}
