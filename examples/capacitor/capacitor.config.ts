import type { CapacitorConfig } from '@capacitor/cli'

const config: CapacitorConfig = {
  appId: 'com.example.notes',
  appName: 'Notes',
  webDir: 'dist/capacitor',
  plugins: {
    // The plugin does nothing by itself: the app says when.
    CapacitorUpdater: { autoUpdate: false },
  },
}

export default config
