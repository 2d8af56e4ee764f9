#import <React/RCTEventEmitter.h>

#ifdef RCT_NEW_ARCH_ENABLED
#import <HotPatchSpec/HotPatchSpec.h>
@interface HotPatchModule : RCTEventEmitter <NativeHotPatchSpec>
#else
#import <React/RCTBridgeModule.h>
@interface HotPatchModule : RCTEventEmitter <RCTBridgeModule>
#endif
@end
