package dev.hotpatch.phone;

import android.app.QueuedWork;
import android.content.Context;
import android.content.ContextWrapper;
import android.content.pm.PackageInfo;
import android.os.Looper;
import android.os.SystemClock;
import java.io.BufferedReader;
import java.io.File;
import java.io.InputStreamReader;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import org.json.JSONObject;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.RuntimeEnvironment;
import org.robolectric.Shadows;
import org.robolectric.android.controller.ActivityController;
import org.robolectric.annotation.Config;
import org.robolectric.shadows.ShadowStatFs;
import org.robolectric.shadows.ShadowWebView;
import org.robolectric.util.ReflectionHelpers;

/**
 * A process of an app on a phone: Capacitor's own activity, bridge and plugins, over Robolectric's Android. What runs in
 * its web view is at the other end of a line, as are its user and its clock. What it keeps outlives it, in a folder.
 */
@RunWith(RobolectricTestRunner.class)
@Config(sdk = 34)
public class Phone {

  private static final String GONE = "";
  private final BlockingQueue<String> orders = new LinkedBlockingQueue<>();
  private ActivityController<AppActivity> activity;

  @Test
  public void runs() throws Exception {
    keepDataIn(new File(System.getProperty("phone.data")));
    SystemClock.setCurrentTimeMillis(System.nanoTime() / 1_000_000 + Long.getLong("phone.clock"));
    ShadowStatFs.registerStats(RuntimeEnvironment.getApplication().getFilesDir(), 1_000_000, 1_000_000, 1_000_000);
    installWebView();
    try (Socket line = new Socket("127.0.0.1", Integer.getInteger("phone.line"))) {
      AppView.connect(line.getOutputStream());
      listen(new BufferedReader(new InputStreamReader(line.getInputStream(), StandardCharsets.UTF_8)));
      activity = Robolectric.buildActivity(AppActivity.class).create().start().resume();
      live();
    }
  }

  /** Time passes as it does, and as it is told to besides. */
  private void live() throws Exception {
    long last = System.nanoTime();
    while (true) {
      String order = orders.poll(5, TimeUnit.MILLISECONDS);
      if (GONE.equals(order)) return;
      if (order != null) obey(new JSONObject(order));
      long now = System.nanoTime();
      Shadows.shadowOf(Looper.getMainLooper()).idleFor(Duration.ofNanos(now - last));
      last = now;
      view().showPending();
    }
  }

  private void obey(JSONObject order) throws Exception {
    switch (order.getString("do")) {
      case "message" -> view().receive(order.getString("text"));
      case "loaded" -> view().getWebViewClient().onPageFinished(view(), order.getString("url"));
      case "elapse" -> Shadows.shadowOf(Looper.getMainLooper()).idleFor(Duration.ofMillis(order.getLong("ms")));
      case "background" -> activity.pause().stop();
      case "foreground" -> activity.restart().resume();
      case "end" -> {
        // As Android does before it stops a process. Then it is gone at once, threads and all.
        QueuedWork.waitToFinish();
        Runtime.getRuntime().halt(0);
      }
      default -> throw new IllegalArgumentException(order.toString());
    }
  }

  private AppView view() {
    return activity.get().view();
  }

  private void listen(BufferedReader reader) {
    Thread thread = new Thread(() -> {
      try {
        for (String text = reader.readLine(); text != null; text = reader.readLine()) orders.add(text);
      } catch (Exception error) {
        // The line ends with whoever is at its other end.
      }
      orders.add(GONE);
    });
    thread.setDaemon(true);
    thread.start();
  }

  /** Robolectric gives an app a new folder in each process; a phone does not. */
  private static void keepDataIn(File folder) {
    Context application = ((ContextWrapper) RuntimeEnvironment.getApplication()).getBaseContext();
    Object known = ReflectionHelpers.getField(application, "mPackageInfo");
    for (String field : new String[] { "mDataDirFile", "mDeviceProtectedDataDirFile", "mCredentialProtectedDataDirFile" }) {
      ReflectionHelpers.setField(known, field, folder);
    }
    ReflectionHelpers.setField(known, "mDataDir", folder.getPath());
    for (String field : new String[] { "mPreferencesDir", "mFilesDir", "mNoBackupFilesDir", "mCacheDir", "mDatabasesDir" }) {
      ReflectionHelpers.setField(application, field, null);
    }
    application.getApplicationInfo().dataDir = folder.getPath();
  }

  private static void installWebView() {
    PackageInfo webView = new PackageInfo();
    webView.packageName = "com.google.android.webview";
    webView.versionName = "130.0";
    ShadowWebView.setCurrentWebViewPackage(webView);
  }
}
