package androidx.room

import java.io.File
import java.lang.reflect.Field
import java.lang.reflect.Method
import java.lang.reflect.Modifier
import java.lang.reflect.ParameterizedType
import java.sql.PreparedStatement
import java.sql.ResultSet
import java.util.Properties
import org.sqlite.JDBC

/** The tables of a database's entities in a real SQLite, and the client's own statements on them. */
internal class Tables(file: File, database: Class<*>) {
  private val connection = run {
    file.parentFile.mkdirs()
    JDBC().connect("jdbc:sqlite:${file.path}", Properties())
  }
  private val converters = database.getAnnotation(TypeConverters::class.java).value.map { Converters(it.java) }.single()

  init {
    execute("PRAGMA foreign_keys = ON")
    database.getAnnotation(Database::class.java).entities.forEach { create(Table(it.java)) }
  }

  fun close() = synchronized(connection) { connection.close() }

  fun execute(sql: String) = synchronized(connection) { connection.createStatement().use { it.execute(sql) } }

  fun run(method: Method, given: List<Any?>): Any? = synchronized(connection) {
    val query = method.getAnnotation(Query::class.java)
    val insert = method.getAnnotation(Insert::class.java)
    when {
      query != null -> ask(query.value, method, given)
      insert != null -> insert(given.single()!!, insert.onConflict == OnConflictStrategy.REPLACE)
      method.isAnnotationPresent(Update::class.java) -> update(given.single()!!)
      method.isAnnotationPresent(Delete::class.java) -> (given.single() as List<*>).forEach { delete(it!!) }
      else -> throw UnsupportedOperationException(method.toString())
    }
  }

  private fun create(table: Table) {
    val keys = table.keys.joinToString()
    val columns = table.columns.map { if (it == table.counted) "$it INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL" else it }
    val primary = if (table.counted == null) listOf("PRIMARY KEY ($keys)") else emptyList()
    val foreign = table.entity.foreignKeys.map { key ->
      val parent = Table(key.entity.java).name
      "FOREIGN KEY (${key.childColumns.joinToString { quoted(it) }}) REFERENCES $parent " +
        "(${key.parentColumns.joinToString { quoted(it) }}) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED"
    }
    execute("CREATE TABLE IF NOT EXISTS ${table.name} (${(columns + primary + foreign).joinToString()})")
    for (index in table.entity.indices) {
      val unique = if (index.unique) "UNIQUE " else ""
      val name = "index_${table.entity.tableName}_${index.value.joinToString("_")}"
      val indexed = index.value.joinToString { quoted(it) }
      execute("CREATE ${unique}INDEX IF NOT EXISTS $name ON ${table.name} ($indexed)")
    }
  }

  private fun ask(sql: String, method: Method, given: List<Any?>): Any? {
    val named = method.parameters.map { it.name }.zip(given).toMap()
    val values = mutableListOf<Any?>()
    val prepared = Regex(":(\\w+)").replace(sql) { match ->
      val value = named.getValue(match.groupValues[1])
      val each = if (value is Collection<*>) value.toList() else listOf(value)
      values.addAll(each)
      each.joinToString { "?" }
    }
    return prepare(prepared, values) { statement ->
      if (!statement.execute()) return@prepare null
      val many = method.genericReturnType as? ParameterizedType
      val type = many?.actualTypeArguments?.single() as? Class<*> ?: method.returnType
      val rows = statement.resultSet.use { found -> buildList { while (found.next()) add(read(found, type)) } }
      if (many == null) rows.firstOrNull() else rows
    }
  }

  private fun insert(row: Any, replaces: Boolean): Long {
    val table = Table(row.javaClass)
    val values = table.fields.associate { quoted(column(it)) to it.get(row) }.filterNot { (name, value) ->
      name == table.counted && value == 0L
    }
    val verb = if (replaces) "INSERT OR REPLACE" else "INSERT"
    val sql = "$verb INTO ${table.name} (${values.keys.joinToString()}) VALUES (${values.keys.joinToString { "?" }})"
    prepare(sql, values.values.toList()) { it.executeUpdate() }
    return prepare("SELECT last_insert_rowid()", emptyList()) { it.executeQuery().use { found -> found.getLong(1) } }
  }

  private fun update(row: Any) {
    val table = Table(row.javaClass)
    val values = table.fields.map { it.get(row) } + table.keyFields.map { it.get(row) }
    val sql = "UPDATE ${table.name} SET ${table.columns.joinToString { "$it = ?" }} WHERE ${table.isThis}"
    prepare(sql, values) { it.executeUpdate() }
  }

  private fun delete(row: Any) {
    val table = Table(row.javaClass)
    prepare("DELETE FROM ${table.name} WHERE ${table.isThis}", table.keyFields.map { it.get(row) }) {
      it.executeUpdate()
    }
  }

  private fun <Result> prepare(sql: String, values: List<Any?>, use: (PreparedStatement) -> Result): Result =
    connection.prepareStatement(sql).use { statement ->
      values.forEachIndexed { index, value -> statement.setObject(index + 1, converters.stored(value)) }
      use(statement)
    }

  private fun read(found: ResultSet, type: Class<*>): Any? {
    if (!type.isAnnotationPresent(Entity::class.java)) return converters.read(found, 1, type)
    val table = Table(type)
    val values = table.fields.associateWith { converters.read(found, found.findColumn(column(it)), it.type) }
    val constructor = type.declaredConstructors.filterNot { it.isSynthetic }.maxBy { it.parameterCount }
    val given = constructor.parameters.map { wanted -> values.entries.first { it.key.name == wanted.name }.value }
    val row = constructor.newInstance(*given.toTypedArray())
    values.forEach { (field, value) -> field.set(row, value) }
    return row
  }
}

private fun quoted(name: String) = "`$name`"

private fun column(field: Field) =
  field.getAnnotation(ColumnInfo::class.java)?.name?.ifEmpty { null } ?: field.name

private class Table(type: Class<*>) {
  val entity: Entity = type.getAnnotation(Entity::class.java)
  val name = quoted(entity.tableName)
  val fields = type.declaredFields
    .filterNot { Modifier.isStatic(it.modifiers) || it.isAnnotationPresent(Ignore::class.java) }
    .onEach { it.isAccessible = true }
  val columns = fields.map { quoted(column(it)) }
  val keyFields = fields.filter {
    it.isAnnotationPresent(PrimaryKey::class.java) || column(it) in entity.primaryKeys
  }
  val keys = keyFields.map { quoted(column(it)) }
  val isThis = keys.joinToString(" AND ") { "$it = ?" }

  /** The key that SQLite counts, where it does. */
  val counted = keyFields.find { it.getAnnotation(PrimaryKey::class.java)?.autoGenerate == true }?.let { quoted(column(it)) }
}

/** The client's own, by their types. */
private class Converters(type: Class<*>) {
  private val converter = type.getDeclaredConstructor().newInstance()
  private val methods = type.methods.filter { it.isAnnotationPresent(TypeConverter::class.java) }

  fun stored(value: Any?): Any? = when (value) {
    null, is String, is Long, is Int, is ByteArray -> value
    is Boolean -> if (value) 1 else 0
    else -> methods.first { it.parameterTypes.single().isInstance(value) }.invoke(converter, value)
  }

  fun read(found: ResultSet, column: Int, type: Class<*>): Any? =
    plain(found, column, type) { method(type)?.let { it.invoke(converter, read(found, column, it.parameterTypes.single())) } }

  private fun method(type: Class<*>) = methods.find { it.returnType == type }

  private fun plain(found: ResultSet, column: Int, type: Class<*>, otherwise: () -> Any?): Any? {
    val value = when (type) {
      String::class.java -> found.getString(column)
      ByteArray::class.java -> found.getBytes(column)
      Long::class.java, Long::class.javaObjectType -> found.getLong(column)
      Int::class.java, Int::class.javaObjectType -> found.getInt(column)
      Boolean::class.java -> found.getBoolean(column)
      else -> return otherwise()
    }
    return if (found.wasNull() && !type.isPrimitive) null else value
  }
}
