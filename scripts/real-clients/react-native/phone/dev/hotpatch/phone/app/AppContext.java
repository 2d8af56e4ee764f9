package dev.hotpatch.phone.app;

import android.content.Context;
import android.content.ContextWrapper;
import android.content.SharedPreferences;
import android.content.res.Resources;
import com.facebook.react.ReactApplication;
import com.facebook.react.ReactHost;
import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** An app: what it keeps is in a folder that outlives its process. */
final class AppContext extends ContextWrapper implements ReactApplication {
  private final File folder;
  private final Resources resources;
  private final AppReactHost host;

  /** @param texts of the binary, as `strings.xml` has them */
  AppContext(Context phone, File folder, Map<String, String> texts, AppReactHost host) {
    super(phone);
    this.folder = folder;
    this.resources = new Texts(phone.getResources(), texts);
    this.host = host;
  }

  @Override
  public Context getApplicationContext() {
    return this;
  }

  @Override
  public File getFilesDir() {
    return below("files");
  }

  @Override
  public File getCacheDir() {
    return below("cache");
  }

  @Override
  public File getExternalFilesDir(String type) {
    return below("external");
  }

  @Override
  public SharedPreferences getSharedPreferences(String name, int mode) {
    return super.getSharedPreferences(folder.getName() + "-" + name, mode);
  }

  @Override
  public Resources getResources() {
    return resources;
  }

  @Override
  public ReactHost getReactHost() {
    return host;
  }

  private File below(String name) {
    File below = new File(folder, name);
    below.mkdirs();
    return below;
  }

  /** Google's tools compile resources; these are texts alone. */
  @SuppressWarnings("deprecation")
  private static final class Texts extends Resources {
    private static final int FIRST = 0x7f010000;
    private final List<String> names;
    private final Map<String, String> texts;

    Texts(Resources system, Map<String, String> texts) {
      super(system.getAssets(), system.getDisplayMetrics(), system.getConfiguration());
      this.texts = texts;
      this.names = new ArrayList<>(texts.keySet());
    }

    @Override
    public int getIdentifier(String name, String type, String owner) {
      return type.equals("string") && texts.containsKey(name) ? FIRST + names.indexOf(name) : 0;
    }

    @Override
    public String getString(int id) {
      if (id < FIRST || id >= FIRST + names.size()) throw new NotFoundException(String.valueOf(id));
      return texts.get(names.get(id - FIRST));
    }
  }
}
