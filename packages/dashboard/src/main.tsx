import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { Providers } from './app/providers.tsx'
import { startTexts } from './ground/texts.ts'
import './app/style.css'

const element = document.querySelector('#console')
if (!element) throw new Error('The page has no element #console.')
await startTexts()
createRoot(element).render(
  <StrictMode>
    <Providers />
  </StrictMode>,
)
