import { refusal } from '../refusal.ts'
import { bodyOf, chunkAt, chunksIn, STRING_POOL, XML, type Chunk } from './chunks.ts'
import { resourceValue, type ResourceValue } from './resource-value.ts'
import { NO_STRING, readStringPool, type StringPool } from './string-pool.ts'

export interface XmlElement {
  name: string
  /** How many elements it is in. */
  depth: number
  /** By the id that Android goes by, where it has one; what shrinks apps may take the name away. */
  attribute(resourceId: number): ResourceValue | undefined
  /** Of those without a namespace, which have no id. */
  plainAttribute(name: string): ResourceValue | undefined
}

const RESOURCE_MAP = 0x0180
const START_ELEMENT = 0x0102
const END_ELEMENT = 0x0103

const ELEMENT_AT = 16
const ATTRIBUTE_BYTES = 20
const MAX_ATTRIBUTES = 1_000
const MAX_ELEMENTS = 200_000

/** One element after the other, as they begin; nothing is kept of them. */
export function* elementsIn(bytes: Buffer): Generator<XmlElement> {
  let strings: StringPool = () => undefined
  let resourceIds = Buffer.alloc(0)
  let depth = 0
  let count = 0
  for (const chunk of chunksIn(bodyOf(chunkAt(bytes, 0, XML)))) {
    if (chunk.type === STRING_POOL) strings = readStringPool(chunk)
    else if (chunk.type === RESOURCE_MAP) resourceIds = Buffer.from(bodyOf(chunk))
    else if (chunk.type === END_ELEMENT) depth -= 1
    else if (chunk.type === START_ELEMENT) {
      if ((count += 1) > MAX_ELEMENTS) throw refusal(`Expected at most ${MAX_ELEMENTS} elements, found more.`)
      yield readElement(chunk, { strings, resourceIds, depth })
      depth += 1
    }
  }
}

interface Surroundings {
  strings: StringPool
  resourceIds: Buffer
  depth: number
}

function readElement({ whole }: Chunk, { strings, resourceIds, depth }: Surroundings): XmlElement {
  const start = ELEMENT_AT + whole.readUInt16LE(ELEMENT_AT + 8)
  const stride = whole.readUInt16LE(ELEMENT_AT + 10)
  const count = whole.readUInt16LE(ELEMENT_AT + 12)
  if (stride < ATTRIBUTE_BYTES || count > MAX_ATTRIBUTES) {
    throw refusal(`Expected at most ${MAX_ATTRIBUTES} attributes of ${ATTRIBUTE_BYTES} bytes, found ${count}.`)
  }

  function find(is: (nameIndex: number, namespace: number) => boolean): ResourceValue | undefined {
    for (let at = start; at < start + count * stride; at += stride) {
      if (is(whole.readUInt32LE(at + 4), whole.readUInt32LE(at))) return readValue(whole, at, strings)
    }
    return undefined
  }

  return {
    name: strings(whole.readUInt32LE(ELEMENT_AT + 4)) ?? '',
    depth,
    attribute: (id) => find((index) => index < resourceIds.length / 4 && resourceIds.readUInt32LE(index * 4) === id),
    plainAttribute: (name) => find((index, namespace) => namespace === NO_STRING && strings(index) === name),
  }
}

function readValue(whole: Buffer, at: number, strings: StringPool): ResourceValue | undefined {
  const raw = strings(whole.readUInt32LE(at + 8))
  const typed = resourceValue(whole.readUInt8(at + 15), whole.readUInt32LE(at + 16), strings)
  return typed ?? (raw === undefined ? undefined : { kind: 'text', text: raw })
}
