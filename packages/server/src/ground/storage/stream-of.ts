import { Readable } from 'node:stream'

/** As `Readable.from`, which when it is destroyed waits for chunks that are on their way, and so for whoever sends none. */
export function streamOf(chunks: AsyncIterator<Buffer>, letGo: () => void): Readable {
  return new Readable({
    read() {
      chunks.next().then(
        ({ done, value }) => this.push(done ? null : value),
        (error: unknown) => this.destroy(error as Error),
      )
    },
    destroy(error, done) {
      letGo()
      done(error)
    },
  })
}
