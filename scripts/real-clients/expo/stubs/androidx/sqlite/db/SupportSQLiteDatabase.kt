package androidx.sqlite.db

interface SupportSQLiteDatabase {
  fun beginTransaction()

  fun setTransactionSuccessful()

  fun endTransaction()

  fun execSQL(sql: String)

  fun execSQL(sql: String, bindArgs: Array<out Any?>)
}
