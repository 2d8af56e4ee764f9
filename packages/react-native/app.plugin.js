// Expo looks for a plugin here.
export { default } from './src/expo/index.ts'
