const { app, BrowserWindow, dialog } = require('electron')
const { autoUpdater } = require('electron-updater')

// Where it asks is `publish` of electron-builder.yml, which the build writes into the app as app-update.yml.
autoUpdater.on('update-downloaded', async ({ version, releaseNotes }) => {
  const { response } = await dialog.showMessageBox({
    message: `Version ${version} is ready`,
    detail: typeof releaseNotes === 'string' ? releaseNotes : '',
    buttons: ['Restart now', 'At the next start'],
  })
  if (response === 0) autoUpdater.quitAndInstall()
})
// Without a network, or where there is nothing for this device: it asks again at the next start.
autoUpdater.on('error', (error) => console.error(error.message))

app.whenReady().then(() => {
  const window = new BrowserWindow({ width: 480, height: 320 })
  window.loadURL(`data:text/html,<h1>Demo ${app.getVersion()}</h1>`)
  autoUpdater.checkForUpdates().catch(() => undefined) // told by 'error'
})

app.on('window-all-closed', () => app.quit())
