/** What React Native calls for an error that nobody caught. */
export type ErrorHandler = (error: unknown, isFatal?: boolean) => void

/** Of React Native, global. */
export interface ErrorUtilsOfApp {
  getGlobalHandler(): ErrorHandler | undefined
  setGlobalHandler(handler: ErrorHandler): void
}

/** Before everyone who was there: the last of them ends the app. */
export function onFatalError(errors: ErrorUtilsOfApp | undefined, callback: () => void): void {
  if (!errors) return
  const others = errors.getGlobalHandler()
  errors.setGlobalHandler((error, isFatal) => {
    try {
      if (isFatal) callback()
    } catch {
      // That it could not be noted must not stand in place of the error that others wait for.
    }
    others?.(error, isFatal)
  })
}
