package com.squareup.zstd.okio

import okio.Source

/** The client asks for it before others; a server that has none sends another. */
fun Source.zstdDecompress(): Source = throw UnsupportedOperationException("There is no zstd here.")
