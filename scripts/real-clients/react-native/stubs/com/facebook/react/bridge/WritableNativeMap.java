package com.facebook.react.bridge;

import java.util.HashMap;
import java.util.Iterator;
import java.util.Map;

/** React Native's keeps its values in C++. */
public class WritableNativeMap implements WritableMap {
  private final JavaOnlyMap values = new JavaOnlyMap();

  @Override
  public WritableMap copy() {
    WritableNativeMap copy = new WritableNativeMap();
    copy.merge(this);
    return copy;
  }

  @Override
  public void merge(ReadableMap source) {
    values.merge(source);
  }

  @Override
  public void putArray(String key, ReadableArray value) {
    values.putArray(key, value);
  }

  @Override
  public void putBoolean(String key, boolean value) {
    values.putBoolean(key, value);
  }

  @Override
  public void putDouble(String key, double value) {
    values.putDouble(key, value);
  }

  @Override
  public void putInt(String key, int value) {
    values.putInt(key, value);
  }

  @Override
  public void putLong(String key, long value) {
    values.putLong(key, value);
  }

  @Override
  public void putMap(String key, ReadableMap value) {
    values.putMap(key, value);
  }

  @Override
  public void putNull(String key) {
    values.putNull(key);
  }

  @Override
  public void putString(String key, String value) {
    values.putString(key, value);
  }

  @Override
  public Iterator<Map.Entry<String, Object>> getEntryIterator() {
    return values.getEntryIterator();
  }

  @Override
  public ReadableArray getArray(String key) {
    return values.getArray(key);
  }

  @Override
  public boolean getBoolean(String key) {
    return values.getBoolean(key);
  }

  @Override
  public double getDouble(String key) {
    return values.getDouble(key);
  }

  @Override
  public Dynamic getDynamic(String key) {
    return values.getDynamic(key);
  }

  @Override
  public int getInt(String key) {
    return values.getInt(key);
  }

  @Override
  public long getLong(String key) {
    return values.getLong(key);
  }

  @Override
  public ReadableMap getMap(String key) {
    return values.getMap(key);
  }

  @Override
  public String getString(String key) {
    return values.getString(key);
  }

  @Override
  public ReadableType getType(String key) {
    return values.getType(key);
  }

  @Override
  public boolean hasKey(String key) {
    return values.hasKey(key);
  }

  @Override
  public boolean isNull(String key) {
    return values.isNull(key);
  }

  @Override
  public ReadableMapKeySetIterator keySetIterator() {
    return values.keySetIterator();
  }

  @Override
  public HashMap<String, Object> toHashMap() {
    return values.toHashMap();
  }
}
