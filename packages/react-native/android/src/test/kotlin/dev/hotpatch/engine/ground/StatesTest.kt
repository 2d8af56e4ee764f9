package dev.hotpatch.engine.ground

import dev.hotpatch.testing.items
import dev.hotpatch.testing.readVectors
import dev.hotpatch.testing.text
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Test

/** Engine §2, by vectors/engine/states.json. */
class StatesTest {
  @Test
  fun `the table is the same in every language`() {
    val rows = TRANSITIONS.map { Triple(it.from.text, it.event.text, it.to.text) }
    val expected = readVectors("engine/states.json").items("transitions")
      .map { Triple(it.text("from"), it.text("event"), it.text("to")) }
    assertEquals(expected, rows)
  }

  @Test
  fun `nothing else leads anywhere`() {
    for (state in UpdateState.entries) {
      for (event in UpdateEvent.entries) {
        val row = TRANSITIONS.find { it.from == state && it.event == event }
        assertEquals(row?.to, transition(state, event))
      }
    }
  }

  @Test
  fun `an event that the table does not know is a bug`() {
    assertThrows(IllegalStateException::class.java) { nextState(UpdateState.IDLE, UpdateEvent.CONFIRM) }
  }
}
