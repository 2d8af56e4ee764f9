package com.facebook.react.bridge;

import java.util.ArrayList;

/** React Native's keeps its values in C++. */
public class WritableNativeArray implements WritableArray {
  private final JavaOnlyArray values = new JavaOnlyArray();

  @Override
  public void pushArray(ReadableArray value) {
    values.pushArray(value);
  }

  @Override
  public void pushBoolean(boolean value) {
    values.pushBoolean(value);
  }

  @Override
  public void pushDouble(double value) {
    values.pushDouble(value);
  }

  @Override
  public void pushInt(int value) {
    values.pushInt(value);
  }

  @Override
  public void pushLong(long value) {
    values.pushLong(value);
  }

  @Override
  public void pushMap(ReadableMap value) {
    values.pushMap(value);
  }

  @Override
  public void pushNull() {
    values.pushNull();
  }

  @Override
  public void pushString(String value) {
    values.pushString(value);
  }

  @Override
  public ReadableArray getArray(int index) {
    return values.getArray(index);
  }

  @Override
  public boolean getBoolean(int index) {
    return values.getBoolean(index);
  }

  @Override
  public double getDouble(int index) {
    return values.getDouble(index);
  }

  @Override
  public Dynamic getDynamic(int index) {
    return values.getDynamic(index);
  }

  @Override
  public int getInt(int index) {
    return values.getInt(index);
  }

  @Override
  public long getLong(int index) {
    return values.getLong(index);
  }

  @Override
  public ReadableMap getMap(int index) {
    return values.getMap(index);
  }

  @Override
  public String getString(int index) {
    return values.getString(index);
  }

  @Override
  public ReadableType getType(int index) {
    return values.getType(index);
  }

  @Override
  public boolean isNull(int index) {
    return values.isNull(index);
  }

  @Override
  public int size() {
    return values.size();
  }

  @Override
  public ArrayList<Object> toArrayList() {
    return values.toArrayList();
  }
}
