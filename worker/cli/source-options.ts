/** The options that feeds:add and feeds:import share. */
import type { Command } from 'commander'
import { z } from 'zod'
import type { SourceOptions } from '../sources/add-feed.ts'

const flags = z.object({
  title: z.string().trim().min(1).max(300).optional(),
  topic: z.array(z.string().trim().min(1)).default([]),
  language: z
    .string()
    .regex(/^[a-z]{2,3}$/, 'is a code of two or three letters, such as en')
    .optional(),
})

/** Adds the options to a command. */
export function withSourceOptions(command: Command): Command {
  return command
    .option('--title <text>', 'call the source this instead of what the feed says')
    .option('--topic <slug...>', 'topics of everything in the feed')
    .option('--language <code>', 'language of the feed, such as en')
    .allowExcessArguments(false)
}

/** The options as given; a wrong one ends the command with a sentence. */
export function sourceOptions(command: Command): SourceOptions {
  const parsed = flags.safeParse(command.opts())
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    return command.error(`error: --${issue?.path[0]?.toString() ?? 'option'} ${issue?.message}`)
  }
  const { title, topic, language } = parsed.data
  return { topics: topic, ...(title && { title }), ...(language && { language }) }
}
