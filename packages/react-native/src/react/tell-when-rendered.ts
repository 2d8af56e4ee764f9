import { useEffect, type ComponentType, type ReactNode } from 'react'

/**
 * What React Native puts around every root of the app. An effect of what is outermost comes after all others, and never
 * where something inside threw while it was rendered for the first time.
 */
export function tellWhenRendered(callback: () => void): ComponentType<{ children: ReactNode }> {
  return function TellsWhenRendered({ children }) {
    useEffect(callback, [])
    return children
  }
}
