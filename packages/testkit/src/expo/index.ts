export * from './expo-export.ts'
export * from './simulated-expo-client.ts'
