/** Every scheme but those that run something in the page that shows the link. */
const LINK = /^(?!(?:javascript|data|vbscript|blob):)[a-z][a-z0-9+.-]{1,40}:[\x21-\x7e]{1,2000}$/i

/**
 * Where people go to install: what the installer has registered, such as "example-installer://update", or a page.
 * @throws TypeError for what is none
 */
export function readInstallerLink(link: string): string {
  if (LINK.test(link) && !/[<>"\\]/.test(link)) return link
  throw new TypeError(
    `Expected a link such as example-installer://update, found ${JSON.stringify(link.slice(0, 200))}.`,
  )
}
