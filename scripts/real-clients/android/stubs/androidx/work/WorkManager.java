package androidx.work;

import android.content.Context;
import androidx.lifecycle.LiveData;
import androidx.lifecycle.MutableLiveData;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;

/** Does what it is given at once, each in a thread of its own, and keeps nothing. */
public final class WorkManager {
  private static final Map<String, MutableLiveData<List<WorkInfo>>> BY_TAG = new ConcurrentHashMap<>();
  private final Context context;

  private WorkManager(Context context) {
    this.context = context;
  }

  public static void initialize(Context context, Configuration configuration) {}

  public static WorkManager getInstance(Context context) {
    return new WorkManager(context);
  }

  public LiveData<List<WorkInfo>> getWorkInfosByTagLiveData(String tag) {
    return liveDataOf(tag);
  }

  private static MutableLiveData<List<WorkInfo>> liveDataOf(String tag) {
    return BY_TAG.computeIfAbsent(tag, (each) -> new MutableLiveData<>());
  }

  public Future<List<WorkInfo>> getWorkInfosByTag(String tag) {
    return CompletableFuture.completedFuture(List.of());
  }

  public WorkContinuation beginUniqueWork(String name, ExistingWorkPolicy policy, OneTimeWorkRequest request) {
    return () -> new Thread(() -> work(request)).start();
  }

  private void work(OneTimeWorkRequest request) {
    ListenableWorker.Result result;
    try {
      Worker worker = (Worker) request.worker
        .getConstructor(Context.class, WorkerParameters.class)
        .newInstance(context, new WorkerParameters(request.input));
      result = worker.doWork();
    } catch (Exception error) {
      result = ListenableWorker.Result.failure(new Data.Builder().putString("error", String.valueOf(error)).build());
    }
    WorkInfo info = new WorkInfo(result.state, result.output, request.tags);
    for (String tag : request.tags) liveDataOf(tag).postValue(List.of(info));
  }

  public void enqueueUniqueWork(String name, ExistingWorkPolicy policy, OneTimeWorkRequest request) {}

  public void enqueueUniquePeriodicWork(String name, ExistingPeriodicWorkPolicy policy, PeriodicWorkRequest request) {}

  public void cancelUniqueWork(String name) {}

  public void cancelAllWorkByTag(String tag) {}
}
