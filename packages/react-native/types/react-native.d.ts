// What is used of React Native, as it declares it: apps bring the real one, and a test compiles this package against it.
declare module 'react-native' {
  import type { ComponentType, ReactNode } from 'react'

  export interface TurboModule {
    readonly getConstants?: () => object
  }

  export const TurboModuleRegistry: {
    // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as React Native has it
    get<Module extends TurboModule>(name: string): Module | null | undefined
  }

  export const AppRegistry: {
    setWrapperComponentProvider(provider: () => ComponentType<{ children: ReactNode }>): void
  }

  export class NativeEventEmitter {
    constructor(module?: { addListener: (eventName: string) => void; removeListeners: (count: number) => void })
    addListener(eventName: string, listener: (event: unknown) => void): { remove(): void }
  }
}
