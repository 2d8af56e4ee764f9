import { createDialogFrame, defineOnce, elementBases, type DialogView } from '@hotpatch/update-elements'
import { otaTextsFor, type OTATexts } from './texts.ts'
import {
  noticeOf,
  viewAvailable,
  viewProgress,
  viewReady,
  type Notice,
  type ShownManager,
  type ViewContext,
} from './views.ts'

/** Of every part. */
export interface OTAElement extends HTMLElement {
  manager: ShownManager | undefined
  /** Replaces single sentences. */
  texts: Partial<OTATexts>
}

export const OTA_PARTS = [
  'hotpatch-ota-available',
  'hotpatch-ota-progress',
  'hotpatch-ota-ready',
  'hotpatch-ota-notice',
  'hotpatch-ota-checker',
] as const

declare global {
  interface HTMLElementTagNameMap extends Record<(typeof OTA_PARTS)[number], OTAElement> {}
}

/** Makes the elements known to a page, once. Importing alone makes nothing: there may be no page. */
export function defineOTAElements(view: Window & typeof globalThis = window): void {
  defineOnce(view, elementClasses(view))
}

/** A page that is shown again, soon after the last question, asks none. */
const SHOWN_AGAIN_MS = 60_000

function elementClasses(view: Window & typeof globalThis) {
  const { FollowingElement } = elementBases(view)

  abstract class PartElement extends FollowingElement<OTATexts, ShownManager> implements OTAElement {
    /** What is not to be seen any more, until something else happens. */
    #hidden: string | undefined

    get manager(): ShownManager | undefined {
      return this.source
    }
    set manager(manager: ShownManager | undefined) {
      this.source = manager
    }

    override draw(): void {
      const manager = this.source
      const state = manager?.state()
      if (this.#hidden !== state?.kind) this.#hidden = undefined
      const hide = () => {
        this.#hidden = state?.kind
        this.redraw()
      }
      const texts = otaTextsFor(this.locale, this.texts)
      const isShown = manager && this.#hidden === undefined
      this.show(isShown ? { manager, texts, locale: this.locale, hide } : undefined)
    }

    /** Undefined: nothing. */
    abstract show(context: ViewContext | undefined): void
  }

  abstract class DialogElement extends PartElement {
    readonly #frame = createDialogFrame(this.root, this.ownerDocument)

    abstract view(context: ViewContext): DialogView | undefined

    override show(context: ViewContext | undefined): void {
      const shown = context && this.view(context)
      if (context && shown) this.#frame.show(shown, context.texts)
      else this.#frame.close()
    }

    override disconnectedCallback(): void {
      super.disconnectedCallback()
      this.#frame.close()
    }
  }

  class AvailableElement extends DialogElement {
    override view(context: ViewContext): DialogView | undefined {
      return viewAvailable(context.manager.state(), context)
    }
  }

  class ProgressElement extends DialogElement {
    override view(context: ViewContext): DialogView | undefined {
      return viewProgress(context.manager.state(), context)
    }
  }

  class ReadyElement extends DialogElement {
    #canRestart = true

    override view(context: ViewContext): DialogView | undefined {
      const run = () => void this.#restart(context.manager)
      return viewReady({ isPossible: this.#canRestart, run })(context.manager.state(), context)
    }

    async #restart(manager: ShownManager): Promise<void> {
      this.#canRestart = await manager.applyUpdate()
      this.redraw()
    }
  }

  class NoticeElement extends PartElement {
    readonly #box = this.root.appendChild(this.ownerDocument.createElement('div'))
    readonly #live = this.#box.appendChild(this.ownerDocument.createElement('p'))
    readonly #actions = this.#box.appendChild(this.ownerDocument.createElement('div'))
    #text: string | undefined
    /** A failure that comes again is told again; that an update worked is not. */
    #closed: Notice | undefined
    #told: string | undefined

    override show(context: ViewContext | undefined): void {
      const notice = context && noticeOf(context.manager.state(), context)
      if (notice?.text !== this.#closed?.text) this.#closed = undefined
      const isOver = notice !== undefined && (notice.text === this.#closed?.text || notice.text === this.#told)
      const shown = isOver ? undefined : notice
      if (shown?.text === this.#text) return
      this.#text = shown?.text
      this.#box.className = shown ? 'notice' : ''
      this.#box.hidden = !shown
      this.#live.setAttribute('role', shown?.isFailure ? 'alert' : 'status')
      this.#live.classList.toggle('failure', shown?.isFailure ?? false)
      this.#live.textContent = shown?.text ?? ''
      this.#actions.className = 'actions'
      this.#actions.replaceChildren(...(shown && context ? this.#buttons(shown, context) : []))
    }

    #buttons(notice: Notice, { texts }: ViewContext): HTMLButtonElement[] {
      const close = () => {
        if (notice.isFailure) this.#closed = notice
        else this.#told = notice.text
        this.redraw()
      }
      const { retry } = notice
      const actions = [...(retry ? [{ label: texts.retry, run: retry }] : []), { label: texts.close, run: close }]
      return actions.map(({ label, run }) => {
        const button = this.ownerDocument.createElement('button')
        button.type = 'button'
        button.textContent = label
        button.addEventListener('click', run)
        return button
      })
    }
  }

  /** Shows nothing. Asks at once, now and then, and when the page is shown again. */
  class CheckerElement extends PartElement {
    #checking: ShownManager | undefined
    #lastAt = Number.NEGATIVE_INFINITY
    readonly #onVisible = () => {
      if (this.ownerDocument.visibilityState !== 'visible') return
      if (view.performance.now() - this.#lastAt >= SHOWN_AGAIN_MS) this.#check()
    }

    override show(context: ViewContext | undefined): void {
      if (context === undefined || this.#checking === context.manager) return
      this.#stop()
      this.#checking = context.manager
      this.ownerDocument.addEventListener('visibilitychange', this.#onVisible)
      context.manager.startBackgroundChecks()
      this.#check()
    }

    override disconnectedCallback(): void {
      super.disconnectedCallback()
      this.#stop()
    }

    #check(): void {
      this.#lastAt = view.performance.now()
      void this.#checking?.checkForUpdate()
    }

    #stop(): void {
      this.ownerDocument.removeEventListener('visibilitychange', this.#onVisible)
      this.#checking?.stopBackgroundChecks()
      this.#checking = undefined
    }
  }

  return {
    'hotpatch-ota-available': AvailableElement,
    'hotpatch-ota-progress': ProgressElement,
    'hotpatch-ota-ready': ReadyElement,
    'hotpatch-ota-notice': NoticeElement,
    'hotpatch-ota-checker': CheckerElement,
  }
}
