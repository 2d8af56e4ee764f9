/** What a stranger sent as text: bytes that are no UTF-8 are mended, as HTTP does it with bodies. */
export function textOf(input: Uint8Array): string {
  return Buffer.from(input.buffer, input.byteOffset, input.byteLength).toString('utf8')
}

/** The first byte chooses who reads the rest: what one of them is tripped up by is tried with all. */
export function readerFor<Reader>(readers: readonly Reader[], input: Uint8Array): [Reader, Uint8Array] {
  const [first = 0] = input
  return [readers[first % readers.length] as Reader, input.subarray(1)]
}

/** The other way round: the same text for each reader. */
export function forEachReader(count: number, texts: readonly (string | Uint8Array)[]): Uint8Array[] {
  return texts.flatMap((text) =>
    Array.from({ length: count }, (_, index) => Buffer.concat([Buffer.of(index), Buffer.from(text)])),
  )
}

/** Undefined where it is none. */
export function jsonIn(input: Uint8Array): unknown {
  try {
    return JSON.parse(textOf(input))
  } catch {
    return undefined
  }
}
