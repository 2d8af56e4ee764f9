import { readFile } from 'node:fs/promises'

/** Of what Node has, as far as it is used here. */
declare const WebAssembly: { instantiate(module: Uint8Array): Promise<{ instance: { exports: unknown } }> }

type Exports = Record<
  'alloc' | 'create_patch' | 'apply_patch' | 'output_ptr' | 'output_len',
  (...numbers: number[]) => number
> & { memory: { buffer: ArrayBuffer } }

/** hot-updater's own bsdiff, compiled to WebAssembly, as it is published: its JavaScript takes Hermes bytecode only. */
export async function loadHotUpdaterBsdiff() {
  const module = new URL('../assets/hdiff.wasm', import.meta.resolve('@hot-updater/bsdiff'))
  const { instance } = await WebAssembly.instantiate(await readFile(module))
  const theirs = instance.exports as Exports

  function run(does: 'create_patch' | 'apply_patch', base: Uint8Array, other: Uint8Array): Buffer {
    const given = [base, other].flatMap((bytes) => {
      const pointer = theirs.alloc(bytes.length)
      new Uint8Array(theirs.memory.buffer).set(bytes, pointer)
      return [pointer, bytes.length]
    })
    const status = theirs[does](...given)
    if (status !== 0) throw new Error(`Expected hot-updater's ${does} to answer 0, found ${status}.`)
    return Buffer.from(theirs.memory.buffer.slice(theirs.output_ptr(), theirs.output_ptr() + theirs.output_len()))
  }

  return {
    make: (base: Uint8Array, target: Uint8Array) => run('create_patch', base, target),
    apply: (base: Uint8Array, patch: Uint8Array) => run('apply_patch', base, patch),
  }
}
