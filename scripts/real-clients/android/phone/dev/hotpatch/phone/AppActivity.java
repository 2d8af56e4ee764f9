package dev.hotpatch.phone;

import android.view.View;
import com.getcapacitor.BridgeActivity;

/** Capacitor's, with no layout around its web view: that takes resources, which nobody compiled. */
public class AppActivity extends BridgeActivity {

  private AppView view;

  AppView view() {
    return view;
  }

  @Override
  public void setContentView(int layout) {
    view = new AppView(this);
  }

  @Override
  public void setTheme(int theme) {}

  @Override
  @SuppressWarnings("unchecked")
  public <T extends View> T findViewById(int id) {
    return (T) view;
  }
}
