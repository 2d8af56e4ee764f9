package dev.hotpatch.phone.app;

import android.content.Context;
import android.content.ContextWrapper;
import android.content.Intent;
import android.content.SharedPreferences;
import android.content.res.Resources;
import com.facebook.react.ReactApplication;
import com.facebook.react.ReactHost;
import java.io.File;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/** An app: what it keeps is in a folder that outlives its process. Plugins look into it by reflection, so it is public. */
public final class AppContext extends ContextWrapper implements ReactApplication {
  private final File folder;
  private final Resources resources;
  private final AppReactHost host;
  private final Consumer<String> onActivity;

  /**
   * @param texts of the binary, as `strings.xml` has them
   * @param onActivity told the class of an activity that is to be started
   */
  AppContext(
      Context phone, File folder, Map<String, String> texts, AppReactHost host, Consumer<String> onActivity) {
    super(phone);
    this.onActivity = onActivity;
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
  public File getNoBackupFilesDir() {
    return below("no_backup");
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

  @Override
  public void startActivity(Intent intent) {
    onActivity.accept(intent.getComponent().getClassName());
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
