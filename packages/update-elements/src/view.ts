export interface ViewAction {
  label: string
  isPrimary: boolean
  run(): void
}

/** What a dialog shows, whoever draws it. */
export interface DialogView {
  /** Another kind is another question: the focus begins anew. */
  kind: string
  title: string
  body: string
  notes: string
  progress: { received: number; total: number; text: string } | undefined
  isFailure: boolean
  isMandatory: boolean
  actions: readonly ViewAction[]
  /** Escape, or a click beside it; undefined: nothing dismisses it. */
  dismiss: (() => void) | undefined
}

/** What it says beside the view. */
export interface FrameTexts {
  notes: string
  progressLabel: string
}
