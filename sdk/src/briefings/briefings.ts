/** client.briefings: what someone reads, and what they make of it. */
import type { PostgrestClient } from '@supabase/postgrest-js'
import type { Database } from '../generated/database.ts'

/** A reaction to a card. Dwell comes with seconds, every other one without. */
export type Reaction = { kind: Exclude<FeedbackKind, 'dwell'> } | { kind: 'dwell'; dwellSeconds: number }

/** Every kind of reaction. */
export type FeedbackKind = Database['api']['Views']['user_feedback']['Row']['kind']

/** Which briefing to make. */
export type BriefingWish = {
  /** YYYY-MM-DD: yesterday, today or tomorrow of the person's own zone. (Default: today) */
  date?: string
  /** (Default: daily) */
  edition?: Database['api']['Views']['briefings']['Row']['edition']
  /** Builds it anew from what is known now. (Default: false) */
  refresh?: boolean
}

/** Puts client.briefings together. */
export function createBriefings(api: PostgrestClient<Database, { PostgrestVersion: '12' }, 'api'>) {
  return {
    /** Today's briefing in the person's own zone; made on the spot when there is none yet. */
    today: () => api.rpc('today_briefing').single(),
    /** Makes a briefing, or fetches the one there is. */
    generate: ({ date, edition, refresh }: BriefingWish = {}) =>
      api
        .rpc('generate_briefing', {
          ...(date !== undefined && { briefing_date: date }),
          ...(edition !== undefined && { edition }),
          ...(refresh !== undefined && { refresh }),
        })
        .single(),
    /** Reacts to a card; the next briefing takes it into account. Safe to repeat. */
    feedback: (cardId: string, reaction: Reaction | Exclude<FeedbackKind, 'dwell'>) => {
      const { kind, ...rest } = typeof reaction === 'string' ? { kind: reaction } : reaction
      return api
        .rpc('give_feedback', {
          card_id: cardId,
          kind,
          ...('dwellSeconds' in rest && { dwell_seconds: rest.dwellSeconds }),
        })
        .single()
    },
  }
}

/** Briefings and feedback. */
export type Briefings = ReturnType<typeof createBriefings>
