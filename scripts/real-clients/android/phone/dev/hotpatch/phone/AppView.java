package dev.hotpatch.phone;

import android.content.Context;
import android.net.Uri;
import android.os.Handler;
import android.os.Looper;
import android.webkit.ValueCallback;
import android.webkit.WebResourceRequest;
import android.webkit.WebResourceResponse;
import android.webkit.WebView;
import com.getcapacitor.MessageHandler;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.json.JSONObject;

/** A web view that has what it shows from Capacitor's local server, and leaves what runs in it to the end of the line. */
class AppView extends WebView {

  private static final long A_WHILE = 200_000_000;
  private static OutputStream line;
  private MessageHandler bridge;
  private String pending;
  private long pendingSince;

  AppView(Context context) {
    super(context);
  }

  static void connect(OutputStream output) {
    line = output;
  }

  void receive(String message) {
    bridge.postMessage(message);
  }

  /** A web view asks for the path of a host that stands alone. */
  @Override
  public void loadUrl(String url) {
    pending = Uri.parse(url).getPath().isEmpty() ? url + "/" : url;
    pendingSince = System.nanoTime();
  }

  @Override
  public void reload() {
    loadUrl(getUrl());
  }

  @Override
  public String getUrl() {
    return "https://localhost/";
  }

  /** What is shown is there as a whole. */
  @Override
  public int getProgress() {
    return 100;
  }

  /** It takes a web view a while to get to a page; one that is loaded meanwhile takes the place of the first. */
  void showPending() throws Exception {
    String url = pending;
    if (url == null || System.nanoTime() - pendingSince < A_WHILE) return;
    pending = null;
    getWebViewClient().onPageStarted(this, url, null);
    WebResourceResponse answer = getWebViewClient().shouldInterceptRequest(this, requestFor(Uri.parse(url)));
    String html = answer == null || answer.getData() == null ? "" : new String(answer.getData().readAllBytes(), StandardCharsets.UTF_8);
    tell(new JSONObject().put("page", url).put("html", html));
  }

  @Override
  public void evaluateJavascript(String script, ValueCallback<String> done) {
    try {
      tell(new JSONObject().put("script", script));
    } catch (Exception error) {
      throw new IllegalStateException(error);
    }
    if (done != null) done.onReceiveValue("null");
  }

  @Override
  public void addJavascriptInterface(Object object, String name) {
    if (object instanceof MessageHandler) bridge = (MessageHandler) object;
  }

  /** In a window, which a web view of an app is, this is the main thread's turn. */
  @Override
  public boolean post(Runnable action) {
    return new Handler(Looper.getMainLooper()).post(action);
  }

  private static synchronized void tell(JSONObject what) throws IOException {
    line.write((what + "\n").getBytes(StandardCharsets.UTF_8));
    line.flush();
  }

  private static WebResourceRequest requestFor(Uri url) {
    return new WebResourceRequest() {
      @Override
      public Uri getUrl() {
        return url;
      }

      @Override
      public boolean isForMainFrame() {
        return true;
      }

      @Override
      public boolean isRedirect() {
        return false;
      }

      @Override
      public boolean hasGesture() {
        return false;
      }

      @Override
      public String getMethod() {
        return "GET";
      }

      @Override
      public Map<String, String> getRequestHeaders() {
        return Map.of("Accept", "text/html");
      }
    };
  }
}
