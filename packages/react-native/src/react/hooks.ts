import { createContext, createElement, useContext, useEffect, useSyncExternalStore } from 'react'
import type { ComponentType, ReactNode } from 'react'
import type { Ota, OtaState, Progress } from '../ota/ota.ts'

export interface Update extends OtaState {
  /** Asked, downloading or verifying. */
  isBusy: boolean
  check: Ota['check']
  download: Ota['download']
  sync: Ota['sync']
  apply: Ota['apply']
}

const BUSY: readonly OtaState['phase'][] = ['checking', 'downloading', 'verifying']

/** The hooks and components of one Ota; `OtaProvider` gives those below it another one, a test's. */
export function createReactParts(appsOwn: Ota) {
  const Context = createContext(appsOwn)

  function OtaProvider({ ota, children }: { ota: Ota; children: ReactNode }) {
    return createElement(Context.Provider, { value: ota }, children)
  }

  /** The Ota that the hooks below speak to. */
  function useOta(): Ota {
    return useContext(Context)
  }

  /** What runs, what waits and what is under way, and what can be done about it. */
  function useUpdate(): Update {
    const ota = useOta()
    const state = useSyncExternalStore(ota.subscribe, ota.state, ota.state)
    const { check, download, sync, apply } = ota
    return { ...state, isBusy: BUSY.includes(state.phase), check, download, sync, apply }
  }

  /** Of the download that is under way, with the part of it that is done, 0 to 1; null while there is none. */
  function useUpdateProgress(): (Progress & { fraction: number }) | null {
    const ota = useOta()
    const readProgress = () => ota.state().progress
    const progress = useSyncExternalStore(ota.subscribe, readProgress, readProgress)
    if (!progress) return null
    const { receivedBytes, sizeBytes } = progress
    // What came twice counts twice.
    return { receivedBytes, sizeBytes, fraction: sizeBytes > 0 ? Math.min(1, receivedBytes / sizeBytes) : 0 }
  }

  /** Confirms the running release when its children were rendered, effects and all, and none of them threw. */
  function ConfirmWhenRendered({ children }: { children?: ReactNode }): ReactNode {
    const ota = useOta()
    useEffect(() => void ota.confirm(), [ota])
    return children
  }

  /** A root that confirms the running release when it was rendered: for `confirm: 'manual'`, or a wrapper of the app's own. */
  function withUpdates<Props extends object>(Root: ComponentType<Props>): ComponentType<Props> {
    function RootWithUpdates(props: Props) {
      return createElement(ConfirmWhenRendered, null, createElement(Root, props))
    }
    return RootWithUpdates
  }

  return { OtaProvider, useOta, useUpdate, useUpdateProgress, ConfirmWhenRendered, withUpdates }
}
