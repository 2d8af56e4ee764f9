package androidx.room

import android.content.Context
import androidx.room.migration.Migration
import java.lang.reflect.InvocationHandler
import java.lang.reflect.Method
import java.util.concurrent.Executor
import net.bytebuddy.ByteBuddy
import net.bytebuddy.dynamic.loading.ClassLoadingStrategy
import net.bytebuddy.implementation.InvocationHandlerAdapter
import net.bytebuddy.matcher.ElementMatchers

/** What Room's compiler writes before an app is built is made of the same annotations here while it runs. */
object Room {
  fun <T : RoomDatabase> databaseBuilder(context: Context, type: Class<T>, name: String) =
    RoomDatabase.Builder(context, type, name)
}

abstract class RoomDatabase {
  internal lateinit var tables: Tables

  fun close() = tables.close()

  class Builder<T : RoomDatabase>(
    private val context: Context,
    private val type: Class<T>,
    private val name: String,
  ) {
    fun setQueryExecutor(@Suppress("UNUSED_PARAMETER") executor: Executor) = this

    /** A database here was never of an earlier version. */
    fun addMigrations(@Suppress("UNUSED_PARAMETER") vararg migrations: Migration) = this

    fun allowMainThreadQueries() = this

    fun fallbackToDestructiveMigration() = this

    fun build(): T {
      val tables = Tables(context.getDatabasePath(name), type)
      val objects = mutableMapOf<Class<*>, Any>()
      val database = implement(type) { method, _ ->
        synchronized(objects) { objects.getOrPut(method.returnType) { implement(method.returnType, tables::run) } }
      }
      return database.also { it.tables = tables }
    }
  }
}

suspend fun <Result> RoomDatabase.withTransaction(block: suspend () -> Result): Result {
  tables.execute("BEGIN")
  try {
    return block().also { tables.execute("COMMIT") }
  } catch (error: Throwable) {
    tables.execute("ROLLBACK")
    throw error
  }
}

private fun <T> implement(type: Class<T>, answer: (Method, List<Any?>) -> Any?): T {
  val handler = InvocationHandler { _, method, given -> answer(method, given?.toList() ?: emptyList()) }
  return ByteBuddy()
    .subclass(type)
    .method(ElementMatchers.isAbstract())
    .intercept(InvocationHandlerAdapter.of(handler))
    .make()
    .load(type.classLoader, ClassLoadingStrategy.Default.WRAPPER)
    .loaded
    .getDeclaredConstructor()
    .newInstance()
}
