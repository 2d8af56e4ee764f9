/// <reference types="vite/client" />

/** Of package.json. */
declare const APP_VERSION: string
