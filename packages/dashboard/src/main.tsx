import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Providers } from './app/providers.tsx'
import { STYLE_NONCE } from './ground/place.ts'
import { startTexts } from './ground/texts.ts'
import './app/style.css'

// Relative in the page, and looked up anew from each address that the console goes to.
for (const icon of document.querySelectorAll<HTMLLinkElement>('link[rel=icon]')) icon.setAttribute('href', icon.href)
const element = document.querySelector('#console')
if (!element) throw new Error('The page has no element #console.')
// What locks the page behind a dialog puts a style element into it, and looks for the nonce here (get-nonce).
if (STYLE_NONCE) Object.assign(globalThis, { __webpack_nonce__: STYLE_NONCE })
await startTexts()
createRoot(element).render(
  <StrictMode>
    <Providers />
  </StrictMode>,
)
