package dev.hotpatch.protocol

import dev.hotpatch.testing.at
import dev.hotpatch.testing.boolean
import dev.hotpatch.testing.forEachCase
import dev.hotpatch.testing.long
import dev.hotpatch.testing.readVectors
import dev.hotpatch.testing.text
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test

class BucketsTest {
  private val vectors = readVectors("buckets.json")

  @Test
  fun `hashes, and the buckets that come of them`() = vectors.forEachCase("hashes") { case ->
    val (salt, id) = case.text("salt") to case.text("deviceId")
    assertEquals(case.long("fnv1a32"), fnv1a32(salt + id))
    assertEquals(case.long("bucketOf100"), bucketOf(salt, id, BucketRule.HUNDRED).toLong())
    assertEquals(case.long("bucketOf10000"), bucketOf(salt, id, BucketRule.TEN_THOUSAND).toLong())
  }

  @Test
  fun `buckets of 1,000`() = vectors.forEachCase("cohorts") { case ->
    val bucket = bucketOf(case.text("salt"), case.text("deviceId"), BucketRule.THOUSAND)
    assertEquals(case.long("bucketOf1000"), bucket.toLong())
  }

  @Test
  fun `CodePush's buckets`() = vectors.forEachCase("codePush") { case ->
    val (salt, id) = case.text("salt") to case.text("deviceId")
    val bucket = case.long("bucket")
    assertEquals(bucket, bucketOf(salt, id, BucketRule.CODE_PUSH).toLong())
    assertFalse(isInPercentage(bucket.toDouble(), salt, id, BucketRule.CODE_PUSH))
    assertTrue(isInPercentage(bucket + 1.0, salt, id, BucketRule.CODE_PUSH))
  }

  @Test
  fun slices() = vectors.forEachCase("slices") { case ->
    assertEquals(case.long("fnv1a32"), fnv1a32(case.text("salt") + case.text("deviceId")))
    assertEquals(case.long("sliceBucket"), sliceBucketOf(case.text("salt"), case.text("deviceId")).toLong())
  }

  @Test
  fun `halves of characters`() = vectors.forEachCase("loneSurrogates") { case ->
    val units = (case.at("deviceIdUtf16") as JsonArray).items.map { (it as JsonNumber).value.toInt().toChar() }
    assertEquals(case.long("fnv1a32"), fnv1a32(String(units.toCharArray())))
  }

  @Test
  fun percentages() = vectors.forEachCase("percentages") { case ->
    val rule = BucketRule.entries.first { it.count.toLong() == case.long("buckets") }
    val percentage = (case.at("percentage") as JsonNumber).value
    assertEquals(case.boolean("isIn"), isInPercentage(percentage, case.text("salt"), case.text("deviceId"), rule))
  }

  @Test
  fun `odd percentages have an answer`() {
    for (rule in BucketRule.entries) {
      assertFalse(isInPercentage(Double.NaN, "", "device-1", rule))
      assertFalse(isInPercentage(-1.0, "", "device-1", rule))
      assertTrue(isInPercentage(Double.POSITIVE_INFINITY, "", "device-1", rule))
    }
  }
}
