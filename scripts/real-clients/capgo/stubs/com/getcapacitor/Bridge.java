package com.getcapacitor;

import android.webkit.ValueCallback;
import android.webkit.WebView;

public class Bridge {
  public WebView getWebView() {
    return null;
  }

  public void eval(String script, ValueCallback<String> callback) {}
}
