import { useState } from 'react'
import { StatusBar, StyleSheet, View } from 'react-native'

import { AboutScreen } from './AboutScreen'
import { HomeScreen } from './HomeScreen'
import { TabBar, type Tab } from './TabBar'
import { UpdatesScreen } from './UpdatesScreen'
import { colors } from './theme'

export function App() {
  const [tab, setTab] = useState<Tab>('home')
  return (
    <View style={styles.app}>
      <StatusBar barStyle="dark-content" />
      <View style={styles.screen}>
        {tab === 'home' ? <HomeScreen /> : tab === 'updates' ? <UpdatesScreen /> : <AboutScreen />}
      </View>
      <TabBar selected={tab} onSelect={setTab} />
    </View>
  )
}

const styles = StyleSheet.create({
  app: { flex: 1, backgroundColor: colors.background },
  screen: { flex: 1, padding: 24, paddingTop: 64 },
})
