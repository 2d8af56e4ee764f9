import { createElement, StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { UpdateDialogs } from '../../react/index.ts'
import { startApp } from './page-app.ts'

const root = document.body.appendChild(document.createElement('div'))
const openStore = () => document.body.setAttribute('data-store', 'open')
createRoot(root).render(createElement(StrictMode, {}, createElement(UpdateDialogs, { updater: startApp(), openStore })))
