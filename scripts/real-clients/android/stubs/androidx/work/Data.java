package androidx.work;

import java.util.HashMap;
import java.util.Map;

public final class Data {
  private final Map<String, Object> values;

  Data(Map<String, Object> values) {
    this.values = values;
  }

  public String getString(String key) {
    return (String) values.get(key);
  }

  public int getInt(String key, int otherwise) {
    return values.get(key) instanceof Integer ? (Integer) values.get(key) : otherwise;
  }

  public boolean getBoolean(String key, boolean otherwise) {
    return values.get(key) instanceof Boolean ? (Boolean) values.get(key) : otherwise;
  }

  public static final class Builder {
    private final Map<String, Object> values = new HashMap<>();

    public Builder putString(String key, String value) {
      values.put(key, value);
      return this;
    }

    public Builder putInt(String key, int value) {
      values.put(key, value);
      return this;
    }

    public Builder putBoolean(String key, boolean value) {
      values.put(key, value);
      return this;
    }

    public Data build() {
      return new Data(new HashMap<>(values));
    }
  }
}
