import {
  createDialogFrame,
  defineOnce,
  elementBases,
  fill,
  formatSize,
  type DialogFrame,
} from '@hotpatch/update-elements'
import { textsFor, type Texts } from './texts.ts'
import { viewUpdate, type ShownUpdater } from './update-view.ts'

/** Of `<hotpatch-update-dialog>` and `<hotpatch-update-progress>`. */
export interface UpdateElement extends HTMLElement {
  updater: ShownUpdater | undefined
  /** Replaces single sentences. */
  texts: Partial<Texts>
}

export interface ChangelogEntry {
  version: string
  notes: string
  /** ISO 8601. */
  publishedAt?: string
}

/** Of `<hotpatch-changelog>`. */
export interface ChangelogElement extends HTMLElement {
  /** Newest first. */
  entries: readonly ChangelogEntry[]
  installedVersion: string
  texts: Partial<Texts>
}

declare global {
  interface HTMLElementTagNameMap {
    'hotpatch-update-dialog': UpdateElement
    'hotpatch-update-progress': UpdateElement
    'hotpatch-changelog': ChangelogElement
  }
}

/** Makes the elements known to a page, once. Importing alone makes nothing: there may be no page. */
export function defineUpdateElements(view: Window & typeof globalThis = window): void {
  defineOnce(view, elementClasses(view))
}

function elementClasses(view: Window & typeof globalThis) {
  const { DrawnElement, FollowingElement } = elementBases(view)

  abstract class UpdaterElement extends FollowingElement<Texts, ShownUpdater> implements UpdateElement {
    get updater(): ShownUpdater | undefined {
      return this.source
    }
    set updater(updater: ShownUpdater | undefined) {
      this.source = updater
    }
    get allTexts(): Texts {
      return textsFor(this.locale, this.texts)
    }
  }

  class UpdateDialogElement extends UpdaterElement {
    readonly #frame: DialogFrame = createDialogFrame(this.root, this.ownerDocument)
    /** What the user does not want to see any more, until something else happens. */
    #hidden: string | undefined

    override draw(): void {
      const { updater, allTexts: texts, locale } = this
      const state = updater?.state()
      if (this.#hidden !== state?.kind) this.#hidden = undefined
      const hide = () => {
        this.#hidden = state?.kind
        this.redraw()
      }
      const shown = updater && state && viewUpdate(state, { updater, texts, locale, hide })
      if (shown && this.#hidden === undefined) this.#frame.show(shown, texts)
      else this.#frame.close()
    }

    override disconnectedCallback(): void {
      super.disconnectedCallback()
      this.#frame.close()
    }
  }

  class UpdateProgressElement extends UpdaterElement {
    readonly #text = this.root.appendChild(this.ownerDocument.createElement('p'))
    readonly #bar = this.root.appendChild(this.ownerDocument.createElement('progress'))
    readonly #received = this.root.appendChild(this.ownerDocument.createElement('p'))

    override draw(): void {
      const { allTexts: texts, locale } = this
      const state = this.updater?.state()
      this.hidden = state?.kind !== 'downloading'
      if (state?.kind !== 'downloading') return
      const { update, receivedBytes } = state
      const size = formatSize(update.sizeBytes, locale)
      const text = fill(texts.progress, { received: formatSize(receivedBytes, locale), size })
      this.#text.textContent = fill(texts.downloadingTitle, { version: update.version })
      this.#bar.max = update.sizeBytes
      this.#bar.value = receivedBytes
      this.#bar.setAttribute('aria-label', texts.progressLabel)
      this.#bar.setAttribute('aria-valuetext', text)
      this.#received.className = 'muted'
      this.#received.textContent = text
    }
  }

  class UpdateChangelogElement extends DrawnElement<Texts> implements ChangelogElement {
    #entries: readonly ChangelogEntry[] = []
    #installedVersion = ''
    readonly #body = this.root.appendChild(this.ownerDocument.createElement('div'))

    get entries(): readonly ChangelogEntry[] {
      return this.#entries
    }
    set entries(entries: readonly ChangelogEntry[]) {
      this.#entries = entries
      this.redraw()
    }
    get allTexts(): Texts {
      return textsFor(this.locale, this.texts)
    }
    get installedVersion(): string {
      return this.#installedVersion
    }
    set installedVersion(version: string) {
      this.#installedVersion = version
      this.redraw()
    }

    override draw(): void {
      const page = this.ownerDocument
      if (this.#entries.length === 0) {
        this.#body.replaceChildren(textElement(page, 'p', 'text', this.allTexts.changelogEmpty))
        return
      }
      const list = page.createElement('ol')
      list.append(...this.#entries.map((entry) => this.#item(page, entry)))
      this.#body.replaceChildren(list)
    }

    #item(page: Document, { version, notes, publishedAt }: ChangelogEntry): HTMLElement {
      const { allTexts: texts } = this
      const item = page.createElement('li')
      const heading = textElement(page, 'h3', '', version)
      if (version === this.#installedVersion) heading.append(textElement(page, 'span', 'badge', texts.installed))
      item.append(heading)
      const date = formatDate(publishedAt, this.locale)
      if (date) item.append(textElement(page, 'p', 'muted', fill(texts.published, { date })))
      item.append(textElement(page, 'p', 'text', notes))
      return item
    }
  }

  return {
    'hotpatch-update-dialog': UpdateDialogElement,
    'hotpatch-update-progress': UpdateProgressElement,
    'hotpatch-changelog': UpdateChangelogElement,
  }
}

function textElement(page: Document, name: 'h3' | 'p' | 'span', className: string, text: string): HTMLElement {
  const made = page.createElement(name)
  made.className = className
  made.textContent = text
  return made
}

function formatDate(time: string | undefined, locale: string | undefined): string | undefined {
  const date = new Date(time ?? Number.NaN)
  if (Number.isNaN(date.getTime())) return undefined
  try {
    return new Intl.DateTimeFormat(locale, { dateStyle: 'long' }).format(date)
  } catch {
    // A locale that is none.
    return new Intl.DateTimeFormat('en', { dateStyle: 'long' }).format(date)
  }
}
