#import "HotPatchModule.h"

#if __has_include(<HotPatch/HotPatch-Swift.h>)
#import <HotPatch/HotPatch-Swift.h>
#else
#import "HotPatch-Swift.h"
#endif

static NSString *const EventName = @"HotPatchEvent";

// src/NativeHotPatch.ts: a promise or a text for everything, so that nothing is decided here.
@implementation HotPatchModule {
  HotPatchCalls *_calls;
}

RCT_EXPORT_MODULE(HotPatch)

+ (BOOL)requiresMainQueueSetup
{
  return NO;
}

- (instancetype)init
{
  if (self = [super init]) {
    _calls = [HotPatchCalls new];
  }
  return self;
}

- (NSArray<NSString *> *)supportedEvents
{
  return @[ EventName ];
}

- (void)startObserving
{
  __weak __typeof(self) weakSelf = self;
  [_calls listen:^(NSString *event) {
    [weakSelf sendEventWithName:EventName body:event];
  }];
}

- (void)stopObserving
{
  [_calls listen:nil];
}

RCT_EXPORT_BLOCKING_SYNCHRONOUS_METHOD(status)
{
  return [_calls status];
}

RCT_EXPORT_BLOCKING_SYNCHRONOUS_METHOD(crashed)
{
  return @([_calls crashed]);
}

RCT_EXPORT_METHOD(configure : (NSString *)configuration resolve : (RCTPromiseResolveBlock)resolve reject : (RCTPromiseRejectBlock)reject)
{
  [_calls configure:configuration resolve:resolve reject:reject];
}

RCT_EXPORT_METHOD(check : (RCTPromiseResolveBlock)resolve reject : (RCTPromiseRejectBlock)reject)
{
  [_calls check:resolve reject:reject];
}

RCT_EXPORT_METHOD(download : (RCTPromiseResolveBlock)resolve reject : (RCTPromiseRejectBlock)reject)
{
  [_calls download:resolve reject:reject];
}

RCT_EXPORT_METHOD(sync : (RCTPromiseResolveBlock)resolve reject : (RCTPromiseRejectBlock)reject)
{
  [_calls sync:resolve reject:reject];
}

RCT_EXPORT_METHOD(confirm : (RCTPromiseResolveBlock)resolve reject : (RCTPromiseRejectBlock)reject)
{
  [_calls confirm:resolve reject:reject];
}

RCT_EXPORT_METHOD(rollBack : (RCTPromiseResolveBlock)resolve reject : (RCTPromiseRejectBlock)reject)
{
  [_calls rollBack:resolve reject:reject];
}

RCT_EXPORT_METHOD(restart : (RCTPromiseResolveBlock)resolve reject : (RCTPromiseRejectBlock)reject)
{
  [_calls restart:resolve reject:reject];
}

RCT_EXPORT_METHOD(setChannel : (NSString *_Nullable)channel resolve : (RCTPromiseResolveBlock)resolve reject : (RCTPromiseRejectBlock)reject)
{
  [_calls setChannel:channel resolve:resolve reject:reject];
}

RCT_EXPORT_METHOD(flushReports : (RCTPromiseResolveBlock)resolve reject : (RCTPromiseRejectBlock)reject)
{
  [_calls flushReports:resolve reject:reject];
}

#ifdef RCT_NEW_ARCH_ENABLED
- (std::shared_ptr<facebook::react::TurboModule>)getTurboModule:(const facebook::react::ObjCTurboModule::InitParams &)params
{
  return std::make_shared<facebook::react::NativeHotPatchSpecJSI>(params);
}
#endif

@end
