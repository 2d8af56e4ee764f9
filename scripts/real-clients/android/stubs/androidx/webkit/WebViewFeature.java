package androidx.webkit;

/** A web view that can do none of it, as an old one: Capacitor then has its ways of before. */
public class WebViewFeature {

  public static final String DOCUMENT_START_SCRIPT = "DOCUMENT_START_SCRIPT";
  public static final String WEB_MESSAGE_LISTENER = "WEB_MESSAGE_LISTENER";

  public static boolean isFeatureSupported(String feature) {
    return false;
  }
}
