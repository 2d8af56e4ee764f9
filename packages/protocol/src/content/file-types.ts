/** By the end of the name, without a dot and in lower case (RFC 6838). */
const TYPES: Readonly<Record<string, string>> = {
  aac: 'audio/aac',
  avif: 'image/avif',
  css: 'text/css',
  csv: 'text/csv',
  db: 'application/vnd.sqlite3',
  gif: 'image/gif',
  heic: 'image/heic',
  htm: 'text/html',
  html: 'text/html',
  ico: 'image/x-icon',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  js: 'text/javascript',
  json: 'application/json',
  m4a: 'audio/mp4',
  map: 'application/json',
  mjs: 'text/javascript',
  mp3: 'audio/mpeg',
  mp4: 'video/mp4',
  otf: 'font/otf',
  pdf: 'application/pdf',
  png: 'image/png',
  svg: 'image/svg+xml',
  ttf: 'font/ttf',
  txt: 'text/plain',
  wasm: 'application/wasm',
  wav: 'audio/wav',
  webm: 'video/webm',
  webmanifest: 'application/manifest+json',
  webp: 'image/webp',
  woff: 'font/woff',
  woff2: 'font/woff2',
  xml: 'application/xml',
}

/** Undefined of what is bytes and nothing in particular. */
export function typeOfExtension(extension: string): string | undefined {
  const lower = extension.toLowerCase()
  return Object.hasOwn(TYPES, lower) ? TYPES[lower] : undefined
}

/** Content §7: as a browser wants it; undefined as above. */
export function contentTypeOfFile(path: string): string | undefined {
  const type = typeOfExtension(extensionOf(path))
  return type?.startsWith('text/') ? `${type}; charset=utf-8` : type
}

/** In lower case; empty when there is none. */
export function extensionOf(path: string): string {
  return /\.([^./]+)$/.exec(path)?.[1]?.toLowerCase() ?? ''
}
