import { defineOnce, elementBases } from '@hotpatch/update-elements'
import { readInstallerLink } from '../checking/installer-link.ts'
import { bannerTextsFor, type BannerTexts } from './banner-texts.ts'
import { viewBanner, type BannerView, type ShownChecks } from './banner-view.ts'

/** `<hotpatch-kit-banner>`: at the lower edge of the page, which goes on beside it. */
export interface KitBannerElement extends HTMLElement {
  checks: ShownChecks | undefined
  /** Where people go to install; absent: they are told what changes, and no more. */
  installerLink: string | undefined
  /** Replaces single sentences. */
  texts: Partial<BannerTexts>
}

declare global {
  interface HTMLElementTagNameMap {
    'hotpatch-kit-banner': KitBannerElement
  }
}

/** Makes the element known to a page, once. Importing alone makes nothing: there may be no page. */
export function defineKitBanner(view: Window & typeof globalThis = window): void {
  defineOnce(view, { 'hotpatch-kit-banner': bannerClass(view) })
}

function bannerClass(view: Window & typeof globalThis) {
  const { FollowingElement } = elementBases(view)

  return class BannerElement extends FollowingElement<BannerTexts, ShownChecks> implements KitBannerElement {
    readonly #box = this.root.appendChild(this.ownerDocument.createElement('section'))
    #link: string | undefined
    #isOpen = false
    /** What is drawn, as text: the focus stays where it is while nothing of it changes. */
    #drawn = ''

    get checks(): ShownChecks | undefined {
      return this.source
    }
    set checks(checks: ShownChecks | undefined) {
      this.source = checks
    }
    get installerLink(): string | undefined {
      return this.#link
    }
    set installerLink(link: string | undefined) {
      this.#link = link === undefined ? undefined : readInstallerLink(link)
      this.redraw()
    }

    override draw(): void {
      const { checks, locale } = this
      const texts = bannerTextsFor(locale, this.texts)
      const banner = checks && viewBanner(checks, { texts, locale })
      this.hidden = banner === undefined
      const drawn = banner === undefined ? '' : JSON.stringify([banner, texts, this.#link, this.#isOpen])
      if (drawn === this.#drawn) return
      this.#drawn = drawn
      if (banner === undefined) this.#box.replaceChildren()
      else this.#show(banner, texts)
      if (banner !== undefined) checks?.noticeShown()
    }

    #show(banner: BannerView, texts: BannerTexts): void {
      const hadFocus = this.root.activeElement?.id
      this.#box.className = 'notice'
      this.#box.setAttribute('aria-labelledby', 'title')
      this.#box.onkeydown = (event) => {
        if (event.key === 'Escape') banner.close?.()
      }
      // Said when people are between two sentences, and never in the middle of one.
      const said = this.#make('div', { role: 'status' })
      said.append(this.#make('h2', { id: 'title' }, banner.title))
      said.append(...banner.sentences.map((sentence) => this.#make('p', {}, sentence)))
      const details = this.#make('div', { id: 'details', class: 'notes', tabindex: '0', role: 'group' })
      details.setAttribute('aria-label', texts.details)
      details.hidden = !this.#isOpen
      details.append(...this.#details(banner, texts))
      this.#box.replaceChildren(said, details, this.#actions(banner, texts))
      if (hadFocus !== undefined) this.root.getElementById(hadFocus)?.focus()
    }

    #details({ changes, notes }: BannerView, texts: BannerTexts): HTMLElement[] {
      const list = this.#make('ul', { class: 'text' })
      list.append(...changes.map((change) => this.#make('li', {}, change)))
      return [
        ...(changes.length > 0 ? [this.#make('h3', {}, texts.changes), list] : []),
        ...(notes ? [this.#make('h3', {}, texts.notes), this.#make('p', { class: 'text' }, notes)] : []),
      ]
    }

    #actions({ changes, notes, later, close }: BannerView, texts: BannerTexts): HTMLElement {
      const actions = this.#make('div', { class: 'actions' })
      const button = (id: string, label: string, run: () => void) => {
        const made = this.#make('button', { id, type: 'button' }, label)
        made.addEventListener('click', run)
        actions.append(made)
        return made
      }
      if (close) button('close', texts.close, close)
      if (later) button('later', texts.later, later)
      if (changes.length > 0 || notes) {
        const toggle = button('toggle', texts.details, () => {
          this.#isOpen = !this.#isOpen
          this.redraw()
        })
        toggle.setAttribute('aria-expanded', String(this.#isOpen))
        toggle.setAttribute('aria-controls', 'details')
      }
      if (this.#link !== undefined) {
        // A link, as it leads somewhere: people see where, and open it as they like.
        const install = this.#make('a', { id: 'install', href: this.#link, class: 'action' }, texts.install)
        install.setAttribute('data-primary', '')
        install.setAttribute('rel', 'noopener noreferrer')
        actions.append(install)
      }
      return actions
    }

    #make(name: string, attributes: Readonly<Record<string, string>>, text?: string): HTMLElement {
      const made = this.ownerDocument.createElement(name)
      for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value)
      if (text !== undefined) made.textContent = text
      return made
    }
  }
}
