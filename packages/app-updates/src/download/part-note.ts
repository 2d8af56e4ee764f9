import { readInteger, readObject, readString, UnexpectedJsonError } from '@hotpatch/protocol'
import type { PartPort } from '../ground/ports.ts'

/** What the part is a part of. */
export interface PartNote {
  sha256: string
  sizeBytes: number
  /** Strong, or empty. */
  etag: string
  version: string
  versionCode: number | null
  /** What it is called when it is handed over. */
  fileName: string
}

/** What cannot be read says nothing: then nothing is gone on with. */
export async function readPartNote(part: PartPort): Promise<PartNote | undefined> {
  const text = await part.readNote()
  if (text === undefined) return undefined
  try {
    const json = readObject(JSON.parse(text), '')
    return {
      sha256: readString(json.sha256, '/sha256'),
      sizeBytes: readInteger(json.sizeBytes, '/sizeBytes', 1),
      etag: readString(json.etag, '/etag'),
      version: readString(json.version, '/version'),
      versionCode: json.versionCode === null ? null : readInteger(json.versionCode, '/versionCode', 0),
      fileName: readString(json.fileName, '/fileName'),
    }
  } catch (cause) {
    if (cause instanceof SyntaxError || cause instanceof UnexpectedJsonError) return undefined
    throw cause
  }
}

/** The old bytes go before the note says what the new ones are. */
export async function beginPart(part: PartPort, note: PartNote): Promise<void> {
  await part.discard()
  await part.writeNote(JSON.stringify(note))
}
