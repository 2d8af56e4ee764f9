package androidx.core.content

import android.content.SharedPreferences

fun SharedPreferences.edit(commit: Boolean = false, action: SharedPreferences.Editor.() -> Unit) {
  val editor = edit().apply(action)
  if (commit) editor.commit() else editor.apply()
}
