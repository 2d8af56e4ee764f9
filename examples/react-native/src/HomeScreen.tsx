import { useState } from 'react'
import { Image, Pressable, StyleSheet, Text, View } from 'react-native'

import release from '../release.json'
import { colors } from './theme'

export function HomeScreen() {
  const [taps, setTaps] = useState(0)
  return (
    <View style={styles.screen}>
      <Image source={require('../assets/logo.png')} accessibilityLabel="Logo" />
      <Text style={styles.headline}>{release.headline}</Text>
      <Pressable style={styles.button} onPress={() => setTaps(taps + 1)}>
        <Text style={styles.buttonText}>Tapped {taps} times</Text>
      </Pressable>
    </View>
  )
}

const styles = StyleSheet.create({
  screen: { flex: 1, alignItems: 'center', justifyContent: 'center', gap: 24 },
  headline: { fontSize: 24, fontWeight: '600', color: colors.text, textAlign: 'center' },
  button: { paddingVertical: 12, paddingHorizontal: 24, borderRadius: 8, backgroundColor: colors.accent },
  buttonText: { fontSize: 16, color: colors.background },
})
