package ee.forgr.capacitor_updater;

import static org.junit.Assert.assertEquals;
import static org.junit.Assert.assertFalse;
import static org.junit.Assert.assertTrue;

import android.app.Activity;
import android.content.Context;
import android.os.Looper;
import androidx.lifecycle.LifecycleOwner;
import java.io.File;
import java.nio.file.Files;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.json.JSONArray;
import org.junit.Before;
import org.junit.Test;
import org.junit.runner.RunWith;
import org.robolectric.Robolectric;
import org.robolectric.RobolectricTestRunner;
import org.robolectric.Shadows;
import org.robolectric.annotation.Config;
import org.robolectric.shadows.ShadowStatFs;

/** The plugin's own code, as it is published, against a server that `run.ts` has started and published on. */
@RunWith(RobolectricTestRunner.class)
@Config(sdk = 34)
public class RealClientTest {

  public static class AppActivity extends Activity implements LifecycleOwner {}

  private final String server = System.getProperty("hotpatch.server");
  private CapgoUpdater updater;

  @Before
  public void startApp() {
    Activity activity = Robolectric.buildActivity(AppActivity.class).setup().get();
    ShadowStatFs.registerStats(activity.getFilesDir(), 1_000_000, 1_000_000, 1_000_000);
    Logger logger = new Logger("capgo");
    CryptoCipher.setLogger(logger);
    DownloadService.setLogger(logger);
    DownloadWorkerManager.setLogger(logger);
    updater = new CapgoUpdater(logger);
    updater.activity = activity;
    updater.documentsDir = activity.getFilesDir();
    updater.noBackupDir = activity.getNoBackupFilesDir();
    updater.prefs = activity.getSharedPreferences("capgo", Context.MODE_PRIVATE);
    updater.editor = updater.prefs.edit();
    updater.appId = "com.example.app";
    updater.pluginVersion = System.getProperty("hotpatch.plugin");
    updater.versionBuild = "0.9.0";
    updater.versionCode = "9";
    updater.versionOs = "14";
    updater.deviceID = System.getProperty("hotpatch.device");
    updater.statsUrl = server + "/capgo/stats";
    updater.channelUrl = server + "/capgo/channel_self";
  }

  @Test
  public void followsTheServer() throws Exception {
    Map<String, Object> first = check(null);
    assertEquals("1.0.0", first.get("version"));
    assertFalse(first.containsKey("error"));

    // As a whole: what the plugin does without a manifest.
    BundleInfo one = inBackground(() -> updater.download(text(first, "url"), "1.0.0", text(first, "sessionKey"), text(first, "checksum")));
    assertEquals(BundleStatus.PENDING, one.getStatus());
    assertEquals(System.getProperty("hotpatch.page.one"), pageOf(one));
    assertTrue(updater.set(one));
    updater.setSuccess(one, false);
    updater.sendStats("app_launch_ready", "1.0.0");
    Map<String, Object> same = check(null);
    assertEquals("no_new_version_available", same.get("error"));
    assertEquals("up_to_date", same.get("kind"));

    // Another channel, chosen by the app.
    assertTrue(String.valueOf(answerOf((done) -> updater.listChannels(done))).contains("beta"));
    Map<String, Object> refused = answerOf((done) -> updater.setChannel("staging", updater.editor, "channel", true, done));
    assertEquals("channel_self_set_not_allowed", refused.get("error"));
    Map<String, Object> chosen = answerOf((done) -> updater.setChannel("beta", updater.editor, "channel", true, done));
    assertEquals("ok", chosen.get("status"));
    assertEquals("beta", answerOf((done) -> updater.getChannel(done)).get("channel"));

    // File by file.
    Map<String, Object> second = check(null);
    assertEquals("1.1.0", second.get("version"));
    JSONArray manifest = (JSONArray) second.get("manifest");
    JSONArray missing = updater.getMissingBundleFiles(manifest, "");
    assertTrue(missing.length() + " of " + manifest.length(), missing.length() < manifest.length());
    assertTrue(manifest.toString().contains("large.js.br"));
    assertEquals(missing.length(), inBackground(() -> updater.getBundleDownloadSize(server + "/capgo/updates?key=x", "1.1.0", missing)).getInt("knownFiles"));
    BundleInfo two = inBackground(() ->
      updater.downloadManifest(text(second, "url"), "1.1.0", text(second, "sessionKey"), text(second, "checksum"), manifest)
    );
    assertEquals(BundleStatus.PENDING, two.getStatus());
    assertEquals(System.getProperty("hotpatch.page.two"), pageOf(two));
    assertEquals(2, new File(folderOf(two), "assets").list().length);
    assertTrue(updater.set(two));

    // It does not start: what the plugin does then, and what it is told afterwards.
    updater.sendStats("update_fail", "1.1.0");
    updater.setError(two);
    assertTrue(updater.set(one));
    waitUntilSent();
    Map<String, Object> afterwards = check(null);
    assertEquals("up_to_date", afterwards.get("kind"));
  }

  @Test
  public void takesWhatWasEncryptedWithItsKey() throws Exception {
    Map<String, Object> plain = check("staging");
    assertEquals("", text(plain, "sessionKey"));
    updater.setPublicKey(new String(Files.readAllBytes(new File(System.getProperty("hotpatch.key")).toPath())));
    Map<String, Object> answer = check("staging");
    assertEquals("2.0.0", answer.get("version"));
    BundleInfo whole = inBackground(() ->
      updater.download(text(answer, "url"), "2.0.0", text(answer, "sessionKey"), text(answer, "checksum"))
    );
    assertEquals(System.getProperty("hotpatch.page.two"), pageOf(whole));
    updater.delete(whole.getId(), true);
    JSONArray manifest = (JSONArray) answer.get("manifest");
    BundleInfo files = inBackground(() ->
      updater.downloadManifest(text(answer, "url"), "2.0.0", text(answer, "sessionKey"), text(answer, "checksum"), manifest)
    );
    assertEquals(System.getProperty("hotpatch.page.two"), pageOf(files));

    Map<String, Object> other = check("production");
    assertEquals("key_id_mismatch", other.get("error"));
    assertEquals("blocked", other.get("kind"));
  }

  private Map<String, Object> check(String channel) throws Exception {
    return answerOf((done) -> updater.getLatest(server + "/capgo/updates", channel, done));
  }

  private File folderOf(BundleInfo bundle) {
    return new File(updater.documentsDir, "versions/" + bundle.getId());
  }

  private String pageOf(BundleInfo bundle) throws Exception {
    return new String(Files.readAllBytes(new File(folderOf(bundle), "index.html").toPath()));
  }

  private static String text(Map<String, Object> answer, String name) {
    return String.valueOf(answer.get(name));
  }

  private interface Question {
    void ask(Callback done);
  }

  private static Map<String, Object> answerOf(Question question) throws Exception {
    CompletableFuture<Map<String, Object>> answer = new CompletableFuture<>();
    question.ask(answer::complete);
    return answer.get(20, TimeUnit.SECONDS);
  }

  /** The plugin waits for what it posts to the main thread, which is this one. */
  private static <T> T inBackground(Callable<T> task) throws Exception {
    CompletableFuture<T> result = new CompletableFuture<>();
    new Thread(() -> {
      try {
        result.complete(task.call());
      } catch (Throwable error) {
        result.completeExceptionally(error);
      }
    }).start();
    while (!result.isDone()) {
      Shadows.shadowOf(Looper.getMainLooper()).idle();
      Thread.sleep(10);
    }
    return result.get();
  }

  /** The plugin sends once a second. */
  private void waitUntilSent() throws Exception {
    for (int i = 0; i < 100 && updater.pendingStatsCount() > 0; i++) Thread.sleep(100);
    Thread.sleep(1_000);
    assertEquals(0, updater.pendingStatsCount());
  }
}
