import type { ScenarioFile } from './scenario.ts'

/** vectors/README.md, "Stories": a life that the power may cut short anywhere. */
export interface StoryFile extends Pick<ScenarioFile, 'section' | 'comment' | 'device' | 'bodies' | 'releases'> {
  targets: Record<string, StoryTarget>
  /** By URL: the name of a body. */
  artifacts: Record<string, string>
  goals: StoryGoal[]
  /** The versions that confirm themselves. */
  confirms: string[]
  /** Of the disk, when nothing disturbs the story. */
  changes: number
  told: string[]
}

export interface StoryTarget {
  releaseId: string | null
  answer: string
  patches: { from: string | null; format: string; answer: string }[]
}

export interface StoryGoal {
  target: string
  isReached: { runs: string; standing?: 'probation' | 'confirmed'; hasFailed?: boolean }
}
