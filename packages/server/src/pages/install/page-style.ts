import { createHash } from 'node:crypto'

/** Small, and for phones first; colours have the contrast of WCAG AA in light and dark. */
export const STYLE = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif;
  --back: #ffffff; --text: #1b1f24; --quiet: #57606a; --line: #d0d7de; --accent: #0a58ca; --on: #ffffff; --note: #fff8e1; }
@media (prefers-color-scheme: dark) { :root {
  --back: #0f1318; --text: #e6e9ed; --quiet: #a3adb8; --line: #30363d; --accent: #7ab3ff; --on: #0f1318; --note: #2b2410; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text); overflow-wrap: anywhere; }
main { max-width: 46rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
header { display: flex; gap: 1rem; align-items: center; margin-bottom: 1.5rem; }
header img { width: 72px; height: 72px; border-radius: 16px; flex: none; }
h1 { margin: 0; font-size: 1.6rem; line-height: 1.2; }
h2 { margin: 0 0 .5rem; font-size: 1.15rem; }
h3 { margin: 1.25rem 0 0; font-size: 1rem; }
p { margin: .5rem 0; }
a { color: var(--accent); }
.quiet { color: var(--quiet); font-size: .9rem; }
section { border-top: 1px solid var(--line); padding: 1.25rem 0; }
.button { display: block; width: 100%; padding: .85rem 1rem; margin: .6rem 0; border: 0; border-radius: .6rem; font: inherit;
  font-weight: 600; text-align: center; text-decoration: none; background: var(--accent); color: var(--on); cursor: pointer; }
.button.second { background: transparent; color: var(--accent); border: 1px solid var(--accent); }
a:focus-visible, .button:focus-visible, input:focus-visible, summary:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
.note { background: var(--note); border-radius: .6rem; padding: .75rem 1rem; margin: .75rem 0; }
.code { width: 11rem; background: #ffffff; padding: .5rem; border-radius: .5rem; margin: .5rem 0; }
.code svg { display: block; width: 100%; height: auto; }
.code path { fill: #000000; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: .75rem 0; }
dt { color: var(--quiet); }
dd { margin: 0; }
.notes pre { white-space: pre-wrap; }
.heading { font-weight: 600; }
.version { padding: .75rem 0; border-top: 1px solid var(--line); }
.version:first-of-type { border-top: 0; }
label { display: block; font-weight: 600; margin: 1rem 0 .25rem; }
input { width: 100%; padding: .75rem; font: inherit; border: 1px solid var(--quiet); border-radius: .6rem; background: var(--back); color: var(--text); }
[role=alert] { color: var(--text); border-left: 4px solid #c62828; padding-left: .75rem; }
@media (min-width: 40rem) { .button { width: auto; display: inline-block; min-width: 16rem; margin-right: .5rem; }
  header img { width: 96px; height: 96px; } }
`

/** Nothing runs on these pages, and nothing comes from elsewhere. */
export const PAGE_HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
    "img-src 'self' data:",
    "form-action 'self'",
    "base-uri 'none'; frame-ancestors 'none'",
  ].join('; '),
  // It is for this visitor, and true now.
  'cache-control': 'private, no-store',
  vary: 'user-agent, cookie',
}
