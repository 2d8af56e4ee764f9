import { mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { DataStore, ERRORS, Upload } from '@tus/server'
import { isFull, noRoom } from '../../artifacts/no-room.ts'
import { writeFully } from './write-fully.ts'

/** What is known of an upload from its beginning on. */
interface UploadRecord {
  sizeBytes: number
  metadata: Record<string, string | null>
  createdAt: number
}

/**
 * Uploads that are on their way, each as a file that grows and a record beside it: what is there when a server was
 * killed is what its successor goes on from.
 */
export class UploadStore extends DataStore {
  override extensions = ['creation', 'creation-with-upload', 'termination', 'expiration']
  readonly #directory: string

  constructor(directory: string) {
    super()
    this.#directory = directory
  }

  pathOf(id: string): string {
    return join(this.#directory, `${id}.upload`)
  }

  #recordOf(id: string): string {
    return join(this.#directory, `${id}.json`)
  }

  async list(): Promise<string[]> {
    const names = await readdir(this.#directory).catch(() => [])
    return [...new Set(names.map((name) => name.replace(/\.(?:json|upload|new)$/, '')))]
  }

  async find(id: string): Promise<UploadRecord | undefined> {
    const text = await readFile(this.#recordOf(id), 'utf8').catch(() => undefined)
    return text === undefined ? undefined : (JSON.parse(text) as UploadRecord)
  }

  /** When something came of it last; undefined for one whose bytes are gone. */
  async touchedAt(id: string): Promise<number | undefined> {
    return (await stat(this.pathOf(id)).catch(() => undefined))?.mtimeMs
  }

  /** The record comes last, and whole: without one there is no upload. */
  override async create(upload: Upload): Promise<Upload> {
    const { id, size: sizeBytes = 0, metadata = {}, creation_date: createdAt = '' } = upload
    const record: UploadRecord = { sizeBytes, metadata, createdAt: Date.parse(createdAt) }
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 })
      await writeFile(this.pathOf(id), '', { mode: 0o600 })
      const begun = join(this.#directory, `${id}.new`)
      await writeFile(begun, JSON.stringify(record), { mode: 0o600 })
      await rename(begun, this.#recordOf(id))
    } catch (error) {
      throw isFull(error) ? noRoom(error) : error
    }
    return upload
  }

  override async getUpload(id: string): Promise<Upload> {
    const record = await this.find(id)
    const bytes = await stat(this.pathOf(id)).catch(() => undefined)
    if (!record || !bytes) throw ERRORS.FILE_NOT_FOUND
    const { sizeBytes: size, metadata, createdAt } = record
    return new Upload({ id, size, metadata, offset: bytes.size, creation_date: new Date(createdAt).toISOString() })
  }

  override async write(stream: Readable, id: string, offset: number): Promise<number> {
    let end = offset
    try {
      const file = await open(this.pathOf(id), 'r+')
      try {
        for await (const chunk of stream as AsyncIterable<Uint8Array>) {
          await writeFully(file, chunk, end)
          end += chunk.length
        }
      } finally {
        await file.close()
      }
    } catch (error) {
      // Somebody else has ended it meanwhile.
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') throw ERRORS.FILE_NOT_FOUND
      throw isFull(error) ? noRoom(error) : error
    }
    return end
  }

  override async remove(id: string): Promise<void> {
    for (const path of [this.#recordOf(id), this.pathOf(id), join(this.#directory, `${id}.new`)]) {
      await rm(path, { force: true })
    }
  }
}
