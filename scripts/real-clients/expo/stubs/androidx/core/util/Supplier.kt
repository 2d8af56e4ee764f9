package androidx.core.util

interface Supplier<T> {
  fun get(): T
}
