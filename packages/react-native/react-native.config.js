// What autolinking cannot find by itself: the package is not in the folder of the Android namespace.
export default {
  dependency: {
    platforms: {
      android: {
        packageImportPath: 'import dev.hotpatch.reactnative.HotPatchPackage;',
        packageInstance: 'new HotPatchPackage()',
      },
      ios: {},
    },
  },
}
