/** Where the console is: the server says in the page how far up its folder lies, as a proxy may have put it anywhere. */
const told = document.querySelector<HTMLMetaElement>('meta[name=hotpatch-console]')?.content ?? './'

/** Ends in a slash, such as "https://updates.example.com/dashboard/". */
export const CONSOLE_URL = new URL(told, location.href).href

/** Without a slash at its end, such as "https://updates.example.com": what apps and tools are told. */
export const SERVER_URL = new URL('..', CONSOLE_URL).href.replace(/\/$/, '')

/** Such as "/dashboard". */
export const BASE_PATH = new URL(CONSOLE_URL).pathname.replace(/\/$/, '')

/** What the server's policy lets style elements of this page through with. */
export const STYLE_NONCE = document.querySelector<HTMLMetaElement>('meta[name=hotpatch-nonce]')?.content
