import { AppRegistry } from 'react-native'

import { name } from './app.json'
import { App } from './src/App'
import { configureUpdates } from './src/updates'

// Before the root is registered: what runs is confirmed when it was rendered.
configureUpdates()

AppRegistry.registerComponent(name, () => App)
