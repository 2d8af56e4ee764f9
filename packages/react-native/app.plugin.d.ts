// For configurations in TypeScript.
export { default } from './src/expo/index.ts'
