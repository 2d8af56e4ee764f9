package androidx.work;

import java.util.Set;

public final class WorkInfo {
  public enum State {
    RUNNING,
    SUCCEEDED,
    FAILED,
    CANCELLED;

    public boolean isFinished() {
      return this != RUNNING;
    }
  }

  private final State state;
  private final Data output;
  private final Set<String> tags;

  WorkInfo(State state, Data output, Set<String> tags) {
    this.state = state;
    this.output = output;
    this.tags = tags;
  }

  public State getState() {
    return state;
  }

  public Data getProgress() {
    return output;
  }

  public Data getOutputData() {
    return output;
  }

  public Set<String> getTags() {
    return tags;
  }
}
