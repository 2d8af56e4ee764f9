/** Of what Metro takes as an asset. No client of Expo looks at it, and yet the manifest has to say something. */
const TYPES: Readonly<Record<string, string>> = {
  aac: 'audio/aac',
  css: 'text/css',
  csv: 'text/csv',
  db: 'application/vnd.sqlite3',
  gif: 'image/gif',
  heic: 'image/heic',
  html: 'text/html',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  json: 'application/json',
  m4a: 'audio/mp4',
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
  webp: 'image/webp',
  woff: 'font/woff',
  woff2: 'font/woff2',
  xml: 'application/xml',
}

export function contentTypeOf(ext: string): string {
  const lower = ext.toLowerCase()
  return Object.hasOwn(TYPES, lower) ? (TYPES[lower] ?? UNKNOWN) : UNKNOWN
}

const UNKNOWN = 'application/octet-stream'
