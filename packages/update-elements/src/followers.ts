import { addStyles } from './styles.ts'

/** Anything that says when it changed. */
export interface Followed {
  subscribe(listener: () => void): () => void
}

/** Draws itself anew when anything of it changes while it is in a page. */
export interface DrawnElement<Texts extends object> extends HTMLElement {
  /** Replaces single sentences. */
  texts: Partial<Texts>
  readonly root: ShadowRoot
  /** Its own language, or else that of the page. */
  readonly locale: string | undefined
  connectedCallback(): void
  redraw(): void
  /** Each element's own. */
  draw(): void
}

/** And when what it follows has changed. */
export interface FollowingElement<Texts extends object, Source extends Followed> extends DrawnElement<Texts> {
  source: Source | undefined
  disconnectedCallback(): void
}

export interface ElementBases {
  DrawnElement: abstract new <Texts extends object>() => DrawnElement<Texts>
  FollowingElement: abstract new <Texts extends object, Source extends Followed>() => FollowingElement<Texts, Source>
}

/** The classes that elements of a page are made of. Importing alone makes none: there may be no page. */
export function elementBases(view: Window & typeof globalThis): ElementBases {
  abstract class Drawn<Texts extends object> extends view.HTMLElement {
    #texts: Partial<Texts> = {}
    readonly root: ShadowRoot = this.attachShadow({ mode: 'open' })

    constructor() {
      super()
      addStyles(this.root, this.ownerDocument)
    }

    get texts(): Partial<Texts> {
      return this.#texts
    }
    set texts(own: Partial<Texts>) {
      this.#texts = own
      this.redraw()
    }

    get locale(): string | undefined {
      return this.lang || this.ownerDocument.documentElement.lang || view.navigator.language
    }

    connectedCallback(): void {
      this.redraw()
    }

    redraw(): void {
      if (this.isConnected) this.draw()
    }

    abstract draw(): void
  }

  abstract class Following<Texts extends object, Source extends Followed> extends Drawn<Texts> {
    #source: Source | undefined
    #forget = () => {}

    get source(): Source | undefined {
      return this.#source
    }
    set source(source: Source | undefined) {
      this.#forget()
      this.#source = source
      if (this.isConnected) this.#follow()
      this.redraw()
    }

    override connectedCallback(): void {
      this.#follow()
      super.connectedCallback()
    }
    disconnectedCallback(): void {
      this.#forget()
    }

    #follow(): void {
      this.#forget()
      this.#forget = this.#source?.subscribe(() => this.redraw()) ?? (() => {})
    }
  }

  return { DrawnElement: Drawn, FollowingElement: Following }
}

/** Makes elements known to a page, once. */
export function defineOnce(
  view: Window & typeof globalThis,
  classes: Readonly<Record<string, CustomElementConstructor>>,
): void {
  for (const [name, made] of Object.entries(classes)) {
    if (!view.customElements.get(name)) view.customElements.define(name, made)
  }
}
