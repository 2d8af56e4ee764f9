package androidx.appcompat.app;

import androidx.fragment.app.FragmentActivity;

/** What it adds are looks, from resources that nobody compiled. */
public class AppCompatActivity extends FragmentActivity {}
