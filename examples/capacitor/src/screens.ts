interface Screen {
  headline: string
  version: string
}

interface Answer {
  version: string
  notes: string[]
}

/** What the server answers, or why it does not: then the app still works. */
export async function showNotes(root: HTMLElement, { headline, version, server }: Screen & { server: string }) {
  root.replaceChildren(element('h1', headline))
  try {
    const response = await fetch(`${server}/api/v1/notes`)
    if (!response.ok) throw new Error(`the server answered ${response.status}`)
    const answer = (await response.json()) as Answer
    const list = element('ul')
    list.append(...answer.notes.map((note) => element('li', note)))
    root.append(list, element('p', `This is ${version}, the server is ${answer.version}.`))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    root.append(element('p', `This is ${version}. There are no notes: ${reason}.`))
  }
}

/** Everybody has a server of their own, so the app has to ask for its address. */
export function showServerForm(
  root: HTMLElement,
  { headline, version, onChosen }: Screen & { onChosen: (server: string) => Promise<void> },
) {
  const form = element('form')
  const label = element('label', 'Address of your server')
  const input = element('input')
  Object.assign(input, { type: 'url', required: true, placeholder: 'https://notes.example.com' })
  label.append(input)
  form.append(label, element('button', 'Connect'))
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    void onChosen(input.value.replace(/\/+$/, '')).then(() => location.reload())
  })
  root.replaceChildren(element('h1', headline), form, element('p', `This is ${version}.`))
}

function element<Name extends keyof HTMLElementTagNameMap>(name: Name, text = '') {
  return Object.assign(document.createElement(name), { textContent: text })
}
