package dev.hotpatch.phone;

import android.app.Application;
import android.content.pm.PackageInfo;
import android.os.Bundle;
import android.os.Looper;
import android.os.SystemClock;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Iterator;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.json.JSONArray;
import org.json.JSONException;
import org.json.JSONObject;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.Shadows;
import org.robolectric.annotation.Config;
import org.robolectric.shadows.ShadowStatFs;

/** Phones over Robolectric's Android. What they are told to do comes by lines, and what came of it goes by lines. */
@RunWith(RobolectricTestRunner.class)
@Config(sdk = 34)
public class NativePhone {
  private final File folder = new File(System.getProperty("phone.data"));
  /** As React Native has one for calls of native modules. */
  private final ExecutorService modules = Executors.newSingleThreadExecutor();
  private volatile NativeApp app;

  @Test
  public void runs() throws Exception {
    SystemClock.setCurrentTimeMillis(System.currentTimeMillis());
    LinkedBlockingQueue<String> orders = new LinkedBlockingQueue<>();
    Thread reader = new Thread(() -> {
      new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)).lines().forEach(orders::add);
      orders.add("");
    });
    reader.setDaemon(true);
    reader.start();
    say(new JSONObject().put("ready", true));
    long last = System.nanoTime();
    while (true) {
      String order = orders.poll(5, TimeUnit.MILLISECONDS);
      if (order != null && order.isEmpty()) return;
      if (order != null) obey(new JSONObject(order));
      long now = System.nanoTime();
      Shadows.shadowOf(Looper.getMainLooper()).idleFor(Duration.ofNanos(now - last));
      last = now;
    }
  }

  private void obey(JSONObject order) throws Exception {
    NativeApp.Answer answer = answerTo(order.getInt("id"));
    // What the system does it does in the main thread.
    if (order.getString("do").equals("start")) tryTo(answer, () -> answer.is(start(order)));
    else modules.execute(() -> tryTo(answer, () -> run(order, answer)));
  }

  private JSONObject start(JSONObject order) throws Exception {
    JSONObject configuration = order.getJSONObject("configuration");
    Application phone = RuntimeEnvironment.getApplication();
    PackageInfo installed = Shadows.shadowOf(phone.getPackageManager())
        .getInternalMutablePackageInfo(phone.getPackageName());
    installed.versionName = configuration.getString("appVersion");
    installed.setLongVersionCode(configuration.optLong("versionCode", installed.getLongVersionCode()));
    installed.applicationInfo.metaData = metaDataOf(configuration.optJSONObject("metaData"));
    File own = new File(folder, order.getString("phone"));
    own.mkdirs();
    // There is room, if nothing else is said: in blocks of 4 KiB.
    int room = configuration.optInt("freeBlocks", 1 << 19);
    ShadowStatFs.registerStats(own.getPath(), 1 << 20, room, room);
    NativeApp next = (NativeApp) new ProcessLoader(getClass().getClassLoader())
        .loadClass(order.getString("app"))
        .getDeclaredConstructor()
        .newInstance();
    next.start(phone, own, configuration, this::tell);
    app = next;
    return app.state();
  }

  /** Of the manifest's application. */
  private static Bundle metaDataOf(JSONObject said) throws JSONException {
    Bundle metaData = new Bundle();
    if (said == null) return metaData;
    for (Iterator<String> names = said.keys(); names.hasNext(); ) {
      String name = names.next();
      metaData.putString(name, said.getString(name));
    }
    return metaData;
  }

  private void run(JSONObject order, NativeApp.Answer answer) throws Exception {
    String what = order.getString("do");
    if (what.equals("call")) app.call(order.getString("method"), order.getJSONArray("given"), answer);
    else if (what.equals("state")) answer.is(app.state());
    else answer.is(app.happen(what, order));
  }

  private NativeApp.Answer answerTo(int id) {
    return new NativeApp.Answer() {
      @Override
      public void is(Object answer) {
        reply("answer", answer == null ? JSONObject.NULL : answer);
      }

      @Override
      public void fails(String code, Throwable error) {
        JSONArray reasons = new JSONArray();
        if (code != null) reasons.put(code);
        for (Throwable each = error; each != null; each = each.getCause()) {
          reasons.put(each.getMessage() == null ? each.toString() : each.getMessage());
        }
        reply("error", reasons);
      }

      private void reply(String key, Object value) {
        try {
          say(new JSONObject().put("id", id).put(key, value));
        } catch (JSONException error) {
          throw new IllegalStateException(error);
        }
      }
    };
  }

  private void tell(JSONObject event) {
    try {
      say(new JSONObject().put("event", event));
    } catch (JSONException error) {
      throw new IllegalStateException(error);
    }
  }

  private synchronized void say(JSONObject line) {
    System.out.println("PHONE " + line);
  }

  private interface Attempt {
    void make() throws Exception;
  }

  private static void tryTo(NativeApp.Answer answer, Attempt attempt) {
    try {
      attempt.make();
    } catch (Throwable error) {
      answer.fails(null, error);
    }
  }
}
