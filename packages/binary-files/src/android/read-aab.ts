import type { FileHandle } from 'node:fs/promises'
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire'
import type { ReadApplication, ReadingLimits } from '../application.ts'
import { digestOf } from '../certificates.ts'
import { openPackageZip } from '../package-zip.ts'
import { refusal } from '../refusal.ts'
import { asApplication, readAndroidManifest, type ManifestElement } from './android-manifest.ts'
import { readJarCertificates } from './apk-signatures.ts'

const MANIFEST = 'base/manifest/AndroidManifest.xml'

/** What stores make APKs of; no device installs it. Its names and icons are in a table that is not read here. */
export async function readAab(handle: FileHandle, limits: ReadingLimits): Promise<ReadApplication> {
  const zip = await openPackageZip(handle, limits)
  const bytes = await zip.read(MANIFEST, limits.maxManifestBytes)
  if (!bytes) throw refusal(`Expected ${MANIFEST} in the zip, found none: it is no Android App Bundle.`)
  const manifest = readAndroidManifest(protoElements(bytes))
  const certificates = (await readJarCertificates(zip, limits)).map(digestOf)
  return { application: { ...asApplication(manifest, zip.paths), certificates } }
}

/** Of a manifest's elements, those that say something: the root and what is in it. */
const MAX_DEPTH = 1
const MAX_ELEMENTS = 10_000
/** Of one element: Android knows some two hundred. */
const MAX_ATTRIBUTES = 1_000

/** Field numbers of aapt's `XmlNode`, `XmlElement` and `XmlAttribute`. */
const NODE_ELEMENT = 1
const ELEMENT = { name: 3, attribute: 4, child: 5 }
const ATTRIBUTE = { namespace: 1, name: 2, value: 3, resourceId: 5 }

function protoElements(bytes: Uint8Array): ManifestElement[] {
  const found: ManifestElement[] = []
  try {
    readNode(bytes, 0, found)
  } catch (error) {
    if (!(error instanceof RangeError) && !isWireError(error)) throw error
    throw refusal(`Expected ${MANIFEST} in the form of an App Bundle, found damage: ${error.message}.`, {
      cause: error,
    })
  }
  return found
}

/** The reader throws plain errors of its own words. */
function isWireError(error: unknown): error is Error {
  return error instanceof Error && error.name === 'Error'
}

function readNode(bytes: Uint8Array, depth: number, found: ManifestElement[]): void {
  eachField(bytes, (field, value) => {
    if (field === NODE_ELEMENT && found.length < MAX_ELEMENTS) readElement(value, depth, found)
  })
}

function readElement(bytes: Uint8Array, depth: number, found: ManifestElement[]): void {
  let name = ''
  const attributes: ReadAttribute[] = []
  const children: Uint8Array[] = []
  eachField(bytes, (field, value) => {
    if (field === ELEMENT.name) name = textIn(value)
    else if (field === ELEMENT.attribute) take(attributes, MAX_ATTRIBUTES, 'attributes', () => readAttribute(value))
    else if (field === ELEMENT.child && depth < MAX_DEPTH) take(children, MAX_ELEMENTS, 'elements', () => value)
  })
  found.push({
    name,
    depth,
    attribute: (id) => valueOf(attributes.find((each) => each.resourceId === id)),
    plainAttribute: (wanted) => valueOf(attributes.find((each) => each.namespace === '' && each.name === wanted)),
  })
  for (const child of children) readNode(child, depth + 1, found)
}

/** Each has a few bytes, and as many fit into what a manifest may have. */
function take<Each>(all: Each[], most: number, what: string, read: () => Each): void {
  if (all.length >= most) throw refusal(`Expected at most ${most} ${what} in one element, found more.`)
  all.push(read())
}

interface ReadAttribute {
  namespace: string
  name: string
  value: string
  resourceId: number
}

function readAttribute(bytes: Uint8Array): ReadAttribute {
  const attribute: ReadAttribute = { namespace: '', name: '', value: '', resourceId: 0 }
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    if (field === ATTRIBUTE.namespace) attribute.namespace = textIn(reader.bytes())
    else if (field === ATTRIBUTE.name) attribute.name = textIn(reader.bytes())
    else if (field === ATTRIBUTE.value) attribute.value = textIn(reader.bytes())
    else if (field === ATTRIBUTE.resourceId) attribute.resourceId = reader.uint32()
    else reader.skip(type, field)
  }
  return attribute
}

function valueOf(attribute: ReadAttribute | undefined) {
  return attribute && { kind: 'text' as const, text: attribute.value }
}

function eachField(bytes: Uint8Array, take: (field: number, value: Uint8Array) => void): void {
  const reader = new BinaryReader(bytes)
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag()
    if (type === WireType.LengthDelimited) take(field, reader.bytes())
    else reader.skip(type, field)
  }
}

function textIn(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}
