/**
 * RFC 9110 §12.5.3: whether a client says that it reads brotli. A star does not count: many that send it read gzip only.
 */
export function takesBrotli(header: string | string[] | undefined): boolean {
  const codings = String(header ?? '')
    .toLowerCase()
    .split(',')
  const brotli = codings.map((coding) => coding.split(';')).find(([name = '']) => name.trim() === 'br')
  if (!brotli) return false
  const quality = brotli.slice(1).find((parameter) => parameter.trim().startsWith('q='))
  return quality === undefined || Number(quality.trim().slice(2)) > 0
}
