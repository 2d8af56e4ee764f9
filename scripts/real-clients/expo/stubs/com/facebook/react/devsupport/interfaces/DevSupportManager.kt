package com.facebook.react.devsupport.interfaces

interface DevSupportManager
