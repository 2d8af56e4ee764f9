package androidx.lifecycle;

public final class LiveData<T> {
  private T value;
  private Observer<T> observer;

  public synchronized void observe(LifecycleOwner owner, Observer<T> observer) {
    this.observer = observer;
    if (value != null) observer.onChanged(value);
  }

  public synchronized void set(T value) {
    this.value = value;
    if (observer != null) observer.onChanged(value);
  }
}
