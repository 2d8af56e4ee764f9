import { headline } from './headline'
import { showNotes, showServerForm } from './screens'
import './style.css'

const root = document.querySelector<HTMLElement>('#app')
if (!root) throw new Error('index.html has no #app')

// Only the Capacitor build has the second half: Vite replaces MODE, and what cannot be reached is left out.
if (import.meta.env.MODE === 'capacitor') {
  const { readServer, writeServer, follow } = await import('./device')
  const server = await readServer()
  if (server === undefined) {
    showServerForm(root, { headline, version: APP_VERSION, onChosen: writeServer })
  } else {
    void showNotes(root, { headline, version: APP_VERSION, server })
  }
  // The first screen is there. A bundle that does not come as far as this line is rolled back, so it waits for no network.
  follow()
} else {
  // The server that this page came from.
  void showNotes(root, { headline, version: APP_VERSION, server: '' })
}
