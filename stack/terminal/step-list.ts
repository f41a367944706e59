/** Shows the steps of a start: a live list on a terminal, one line a step elsewhere. */
import { Listr } from 'listr2'
import type { Starting, StartStep } from '../start-steps.ts'
import { colors } from './colors.ts'

/** Runs the steps in order and shows each with its mark, its finding and its time. */
export async function showSteps(steps: readonly StartStep[], start: Starting): Promise<void> {
  // A terminal without a width (a bare pseudo-terminal) would show the list one letter a line.
  if (process.stdout.isTTY && process.stdout.columns > 0) await liveList(steps, start)
  else await plainLines(steps, start)
}

async function liveList(steps: readonly StartStep[], start: Starting): Promise<void> {
  const tasks = steps.map((step) => ({
    title: step.title,
    task: async (_: unknown, task: { title: string }) => {
      task.title = await timed(step, start)
    },
  }))
  await new Listr(tasks, {
    // Ctrl-C is ours (process/end-signal.ts): Listr would leave at once and forget what runs already.
    registerSignalListeners: false,
    // The error is told once, at the end, with its remedy.
    rendererOptions: { showErrorMessage: false, collapseErrors: true },
  }).run()
}

async function plainLines(steps: readonly StartStep[], start: Starting): Promise<void> {
  for (const step of steps) console.log(`✓ ${await timed(step, start)}`)
}

async function timed(step: StartStep, start: Starting): Promise<string> {
  const from = performance.now()
  const finding = await step.run(start)
  return `${step.title}: ${finding} ${colors.dim(`(${seconds(performance.now() - from)})`)}`
}

/** 1234 → "1.2 s". */
export function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(1)} s`
}
