package androidx.room

import kotlin.annotation.AnnotationTarget.FIELD
import kotlin.reflect.KClass

annotation class Database(val entities: Array<KClass<*>>, val version: Int, val exportSchema: Boolean = true)

annotation class TypeConverters(vararg val value: KClass<*>)

annotation class TypeConverter

annotation class Dao

annotation class Query(val value: String)

annotation class Insert(val onConflict: Int = OnConflictStrategy.ABORT)

annotation class Update

annotation class Delete

annotation class Transaction

annotation class Entity(
  val tableName: String,
  val primaryKeys: Array<String> = [],
  val foreignKeys: Array<ForeignKey> = [],
  val indices: Array<Index> = [],
)

annotation class Index(val value: Array<String>, val unique: Boolean = false)

annotation class ForeignKey(
  val entity: KClass<*>,
  val parentColumns: Array<String>,
  val childColumns: Array<String>,
  val onDelete: Int,
) {
  companion object {
    const val CASCADE = 5
  }
}

@Target(FIELD)
annotation class ColumnInfo(val name: String = "", val typeAffinity: Int = 1, val defaultValue: String = "") {
  companion object {
    const val BLOB = 5
  }
}

@Target(FIELD)
annotation class PrimaryKey(val autoGenerate: Boolean = false)

@Target(FIELD)
annotation class Ignore

object OnConflictStrategy {
  const val ABORT = 3
  const val REPLACE = 5
}
