import { ANY_BYTES } from '../artifacts/any-bytes.ts'

/** By the end of the name, Content §7. What is not here is bytes. */
const TYPES: Readonly<Record<string, string>> = {
  avif: 'image/avif',
  css: 'text/css; charset=utf-8',
  gif: 'image/gif',
  htm: 'text/html; charset=utf-8',
  html: 'text/html; charset=utf-8',
  ico: 'image/x-icon',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  js: 'text/javascript; charset=utf-8',
  json: 'application/json',
  map: 'application/json',
  mjs: 'text/javascript; charset=utf-8',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  otf: 'font/otf',
  pdf: 'application/pdf',
  png: 'image/png',
  svg: 'image/svg+xml',
  ttf: 'font/ttf',
  txt: 'text/plain; charset=utf-8',
  wasm: 'application/wasm',
  webm: 'video/webm',
  webmanifest: 'application/manifest+json',
  webp: 'image/webp',
  woff: 'font/woff',
  woff2: 'font/woff2',
  xml: 'application/xml',
}

/** What is compressed already gains nothing. */
const COMPRESSED = new Set(
  '7z avif br gif gz heic jpeg jpg jxl m4a mov mp3 mp4 ogg png webm webp woff woff2 xz zip zst'.split(' '),
)

const COMPRESSED_TYPE =
  /^(?:image\/(?!bmp|svg|tiff|x-ms-bmp|x-icon)|audio\/(?!wav|x-wav)|video\/|font\/woff)|^application\/(?:zip|gzip)\b/

/** Content §8: below that a header of a download is larger than what is saved. */
export const MIN_COMPRESSED_BYTES = 8 * 1024

export function webContentType(path: string): string {
  return TYPES[extensionOf(path)] ?? ANY_BYTES
}

/** @param contentType where its list says one */
export function isCompressedAlready(path: string, contentType = ''): boolean {
  return COMPRESSED.has(extensionOf(path)) || COMPRESSED_TYPE.test(contentType)
}

function extensionOf(path: string): string {
  return /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? ''
}
