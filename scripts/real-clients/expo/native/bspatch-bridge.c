/* The client's own bridge is C++ over fbjni, which is of React Native: this one calls the same function. */
#include <jni.h>

extern int bspatch_main(int argc, char *argv[]);

JNIEXPORT jint JNICALL Java_expo_modules_updates_BSPatch_applyPatch(JNIEnv *env, jclass type, jstring base,
                                                                    jstring made, jstring patch) {
  (void)type;
  jstring given[3] = {base, made, patch};
  char *arguments[4] = {"bspatch"};
  for (int at = 0; at < 3; at += 1) arguments[at + 1] = (char *)(*env)->GetStringUTFChars(env, given[at], NULL);
  int result = bspatch_main(4, arguments);
  for (int at = 0; at < 3; at += 1) (*env)->ReleaseStringUTFChars(env, given[at], arguments[at + 1]);
  return result;
}
