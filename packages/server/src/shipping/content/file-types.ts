import { contentTypeOfFile, extensionOf } from '@hotpatch/protocol'
import { ANY_BYTES } from '../artifacts/any-bytes.ts'

/** What is compressed already gains nothing. */
const COMPRESSED = new Set(
  '7z avif br gif gz heic jpeg jpg jxl m4a mov mp3 mp4 ogg png webm webp woff woff2 xz zip zst'.split(' '),
)

const COMPRESSED_TYPE =
  /^(?:image\/(?!bmp|svg|tiff|x-ms-bmp|x-icon)|audio\/(?!wav|x-wav)|video\/|font\/woff)|^application\/(?:zip|gzip)\b/

/** Content §8: below that a header of a download is larger than what is saved. */
export const MIN_COMPRESSED_BYTES = 8 * 1024

/** Content §7. What is nothing in particular is bytes. */
export function webContentType(path: string): string {
  return contentTypeOfFile(path) ?? ANY_BYTES
}

/** @param contentType where its list says one */
export function isCompressedAlready(path: string, contentType = ''): boolean {
  return COMPRESSED.has(extensionOf(path)) || COMPRESSED_TYPE.test(contentType)
}
