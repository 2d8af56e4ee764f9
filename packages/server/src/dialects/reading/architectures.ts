/** One processor, and what tools and systems call it: the names that Node and Rust have for it first. */
const PROCESSORS: readonly { node: string; rust: string; others: readonly string[] }[] = [
  { node: 'x64', rust: 'x86_64', others: ['amd64'] },
  { node: 'arm64', rust: 'aarch64', others: ['arm64-v8a'] },
  { node: 'ia32', rust: 'i686', others: ['x86', 'i386'] },
  { node: 'arm', rust: 'armv7', others: ['armv7l', 'armhf', 'armeabi-v7a'] },
]

/** Of files that run on all of them, or on all that there are of a system. */
const ANY: readonly string[] = ['any', 'universal']

/** All that a file for this processor may be called; those that run on all among them. */
export function architectureNames(told: string): readonly string[] {
  const processor = find(told)
  const names = processor ? [processor.node, processor.rust, ...processor.others] : [told.toLowerCase()]
  return [...names, ...ANY]
}

/** As Node calls it; what it has no name for stays as it is. */
export function nodeArchitecture(told: string): string {
  return find(told)?.node ?? told
}

function find(told: string) {
  const name = told.toLowerCase()
  return PROCESSORS.find(({ node, rust, others }) => node === name || rust === name || others.includes(name))
}
