/** How a file is to be served by whoever serves it. */
export interface PublicFileHeaders {
  contentType: string
  cacheControl: string
}

/**
 * Files under names that stay, for a CDN or a web server to serve without this one. A write takes the place of what was
 * there, whole or not at all.
 */
export interface PublicFiles {
  /** @param name such as `edge/v1/…/latest.json`: words with "/" between */
  write(name: string, text: string, headers: PublicFileHeaders): Promise<void>
  remove(names: readonly string[]): Promise<void>
}

const NAME = /^(?:[A-Za-z0-9][A-Za-z0-9._-]{0,99}\/){0,8}[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/

/** A name becomes part of a path: anything else would be a bug, and might climb out. */
export function assertPublicName(name: string): void {
  if (!NAME.test(name)) throw new TypeError(`Expected the name of a public file, found "${name}".`)
}
