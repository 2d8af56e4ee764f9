/**
 * The whole look, by custom properties that an app may set: --hotpatch-background, --hotpatch-text, --hotpatch-accent,
 * --hotpatch-accent-text, --hotpatch-failure, --hotpatch-muted, --hotpatch-backdrop, --hotpatch-radius, --hotpatch-font.
 */
export const UPDATE_CSS = `
:host { --background: #fff; --text: #1b1b1f; --accent: #0b57d0; --accent-text: #fff; --failure: #b3261e; --muted: #5a5a63;
  font: 16px/1.5 var(--hotpatch-font, system-ui, sans-serif); color: var(--hotpatch-text, var(--text)); }
:host([hidden]), [hidden] { display: none !important; }
dialog { box-sizing: border-box; width: calc(100% - 32px); max-width: 400px; max-height: calc(100% - 32px); margin: auto;
  padding: 24px; border: 0; outline: none; overflow: auto; border-radius: var(--hotpatch-radius, 16px);
  background: var(--hotpatch-background, var(--background)); color: inherit; box-shadow: 0 8px 32px rgba(0, 0, 0, .3); }
dialog::backdrop { background: var(--hotpatch-backdrop, rgba(0, 0, 0, .5)); }
h2 { margin: 0 0 8px; font-size: 1.25em; line-height: 1.3; overflow-wrap: anywhere; }
h3 { margin: 0 0 4px; font-size: 1em; overflow-wrap: anywhere; }
p { margin: 0 0 16px; overflow-wrap: anywhere; }
p:empty, section:empty { display: none; }
.failure { color: var(--hotpatch-failure, var(--failure)); }
.notes { max-height: 40vh; margin: 0 0 16px; padding: 12px 16px; overflow: auto; border-radius: 8px;
  background: color-mix(in srgb, var(--hotpatch-text, var(--text)) 6%, transparent); }
.notes:focus-visible { outline: 3px solid var(--hotpatch-text, var(--text)); outline-offset: 2px; }
.text { margin: 0; white-space: pre-line; overflow-wrap: anywhere; }
.muted { margin: 0 0 4px; font-size: .875em; color: var(--hotpatch-muted, var(--muted)); }
progress { display: block; box-sizing: border-box; width: 100%; height: 8px; margin: 0 0 8px; border: 0; border-radius: 4px;
  overflow: hidden; appearance: none; accent-color: var(--hotpatch-accent, var(--accent));
  background: color-mix(in srgb, var(--hotpatch-text, var(--text)) 15%, transparent); }
progress::-webkit-progress-bar { background: transparent; }
progress::-webkit-progress-value { border-radius: 4px; background: var(--hotpatch-accent, var(--accent)); }
progress::-moz-progress-bar { border-radius: 4px; background: var(--hotpatch-accent, var(--accent)); }
.muted + .actions { margin-top: 16px; }
.actions { display: flex; flex-wrap: wrap; gap: 8px; justify-content: flex-end; }
button, .action { box-sizing: border-box; min-height: 44px; padding: 8px 16px; border: 0; border-radius: 22px; background: transparent;
  color: var(--hotpatch-accent, var(--accent)); font: inherit; font-weight: 600; cursor: pointer; }
[data-primary] { background: var(--hotpatch-accent, var(--accent)); color: var(--hotpatch-accent-text, var(--accent-text)); }
button:focus-visible, .action:focus-visible { outline: 3px solid var(--hotpatch-text, var(--text)); outline-offset: 2px; }
a.action { display: inline-flex; align-items: center; text-decoration: none; }
.notice { position: fixed; inset: auto 16px 16px; z-index: 2147483647; box-sizing: border-box; max-width: 480px; margin: 0 auto;
  padding: 16px 16px 8px; border-radius: var(--hotpatch-radius, 16px); background: var(--hotpatch-background, var(--background));
  box-shadow: 0 4px 24px rgba(0, 0, 0, .3); }
.notice p { margin: 0 0 4px; }
ol { margin: 0; padding: 0; list-style: none; }
li + li { margin-top: 20px; }
.badge { display: inline-block; margin-left: 8px; padding: 0 8px; border: 1px solid currentColor; border-radius: 10px;
  font-size: .75em; font-weight: 600; color: var(--hotpatch-accent, var(--accent)); }
@media (prefers-color-scheme: dark) { :host { --background: #2b2b30; --text: #f1f0f4; --accent: #a8c7fa; --accent-text: #062e6f;
  --failure: #f2b8b5; --muted: #c4c4cc; } }
@media (forced-colors: active) { dialog, .notice { border: 2px solid; } button, .action { border: 1px solid; } }
`

/** A sheet that is made and no element of the page: a policy against styles in pages (CSP) has nothing against it. */
export function addStyles(root: ShadowRoot, page: Document): void {
  const view = page.defaultView
  if (view && 'adoptedStyleSheets' in root && 'replaceSync' in view.CSSStyleSheet.prototype) {
    const sheet = new view.CSSStyleSheet()
    sheet.replaceSync(UPDATE_CSS)
    root.adoptedStyleSheets = [sheet]
    return
  }
  const style = page.createElement('style')
  style.textContent = UPDATE_CSS
  root.append(style)
}
