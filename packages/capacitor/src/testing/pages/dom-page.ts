import { mountDialogs } from '../../dom/index.ts'
import { startApp } from './page-app.ts'

mountDialogs(startApp(), { openStore: () => document.body.setAttribute('data-store', 'open') })
