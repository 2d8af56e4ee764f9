import * as Updates from 'expo-updates'
import { Image, StyleSheet, Text, View } from 'react-native'

export default function App() {
  const { currentlyRunning, isUpdatePending } = Updates.useUpdates()
  const running = currentlyRunning.isEmbeddedLaunch ? 'what was built in' : currentlyRunning.updateId
  return (
    <View style={styles.page}>
      <Image source={require('./assets/logo.png')} style={styles.logo} />
      <Text>Version one, running {running}</Text>
      {isUpdatePending && <Text onPress={() => Updates.reloadAsync()}>Restart for an update</Text>}
    </View>
  )
}

const styles = StyleSheet.create({
  page: { alignItems: 'center', flex: 1, justifyContent: 'center' },
  logo: { height: 64, width: 64 },
})
