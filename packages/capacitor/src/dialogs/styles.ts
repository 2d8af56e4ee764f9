/**
 * The whole look, by custom properties that an app may set: --hotpatch-background, --hotpatch-text, --hotpatch-accent,
 * --hotpatch-accent-text, --hotpatch-failure, --hotpatch-backdrop, --hotpatch-radius, --hotpatch-font.
 */
export const DIALOG_CSS = `
.hotpatch-backdrop { position: fixed; inset: 0; z-index: 2147483000; display: flex; align-items: center; justify-content: center;
  padding: max(16px, env(safe-area-inset-top)) max(16px, env(safe-area-inset-right)) max(16px, env(safe-area-inset-bottom)) max(16px, env(safe-area-inset-left));
  background: var(--hotpatch-backdrop, rgba(0, 0, 0, .5)); animation: hotpatch-in .15s ease-out; }
.hotpatch-dialog { --background: #fff; --text: #1b1b1f; --accent: #0b57d0; --accent-text: #fff; --failure: #b3261e;
  box-sizing: border-box; width: 100%; max-width: 360px; max-height: 100%; overflow: auto; padding: 24px; outline: none;
  border-radius: var(--hotpatch-radius, 16px); background: var(--hotpatch-background, var(--background));
  color: var(--hotpatch-text, var(--text)); font: 16px/1.5 var(--hotpatch-font, system-ui, sans-serif);
  box-shadow: 0 8px 32px rgba(0, 0, 0, .3); }
.hotpatch-title { margin: 0 0 8px; font-size: 1.25em; line-height: 1.3; }
.hotpatch-body, .hotpatch-notice { margin: 0 0 16px; overflow-wrap: anywhere; }
.hotpatch-notice:empty { margin: 0; }
.hotpatch-notice[data-failure] { color: var(--hotpatch-failure, var(--failure)); }
.hotpatch-actions { display: flex; flex-wrap: wrap; gap: 8px; justify-content: flex-end; }
.hotpatch-button { min-height: 44px; padding: 8px 16px; border: 0; border-radius: 22px; background: transparent;
  color: var(--hotpatch-accent, var(--accent)); font: inherit; font-weight: 600; cursor: pointer; }
.hotpatch-button[data-primary] { background: var(--hotpatch-accent, var(--accent)); color: var(--hotpatch-accent-text, var(--accent-text)); }
.hotpatch-button:focus-visible { outline: 3px solid var(--hotpatch-text, var(--text)); outline-offset: 2px; }
.hotpatch-button[disabled] { opacity: .5; cursor: default; }
@keyframes hotpatch-in { from { opacity: 0 } }
@media (prefers-color-scheme: dark) { .hotpatch-dialog { --background: #2b2b30; --text: #f1f0f4; --accent: #a8c7fa; --accent-text: #062e6f; --failure: #f2b8b5; } }
@media (prefers-reduced-motion: reduce) { .hotpatch-backdrop { animation: none; } }
`
