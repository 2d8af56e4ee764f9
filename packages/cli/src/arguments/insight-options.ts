import { BUCKETS, type Bucket, type InsightQuery } from '@hotpatch/api'
import { Option, type Command } from 'commander'
import { UsageError } from '../errors/errors.ts'
import { given } from './given.ts'
import { readChannel, readPlatform, readTimestamp } from './readers.ts'
import type { AppOptions, ConnectionOptions, ConsentOptions, JsonOptions } from './shared-options.ts'

export interface InsightOptions extends ConnectionOptions, AppOptions, ConsentOptions, JsonOptions {
  from?: string
  to?: string
  bucket?: Bucket
  platform?: NonNullable<InsightQuery['platform']>
  channel?: string
  csv?: boolean
}

export function withInsight(command: Command): Command {
  return withInsightTimes(command).option('--csv', 'print CSV')
}

export function withInsightTimes(command: Command): Command {
  return command
    .option('--from <time>', 'from when on, such as 2030-01-31', readTimestamp)
    .option('--to <time>', 'until when; now when absent', readTimestamp)
    .addOption(new Option('--bucket <size>', 'what one point stands for').choices(BUCKETS))
    .option('--platform <platform>', 'only of this platform', readPlatform)
    .option('--channel <channel>', 'only on this channel', readChannel)
}

export function timesOf({ from, to, bucket }: InsightOptions) {
  return given({ from, to, bucket })
}

export function placeOf({ platform, channel }: InsightOptions) {
  return given({ platform, channel })
}

export function requireOneForm({ csv, json }: InsightOptions): void {
  if (csv && json) throw new UsageError('Choose one of --csv and --json.')
}
