/** client.savedCards: cards worth keeping. */
import type { PostgrestClient } from '@supabase/postgrest-js'
import type { Database } from '../generated/database.ts'

/** Puts client.savedCards together. */
export function createSavedCards(api: PostgrestClient<Database, { PostgrestVersion: '12' }, 'api'>) {
  return {
    /** Keeps a copy of a card of one of the person's briefings. Safe to repeat. */
    save: (cardId: string, { tags, note }: { tags?: string[]; note?: string } = {}) =>
      api
        .rpc('save_card', {
          card_id: cardId,
          ...(tags !== undefined && { tags }),
          ...(note !== undefined && { note }),
        })
        .single(),
    /** Finds saved cards by words, by tags they all carry, or both. */
    search: ({ query, tags }: { query?: string; tags?: string[] } = {}) =>
      api.rpc('search_saved_cards', {
        ...(query !== undefined && { query }),
        ...(tags !== undefined && { tags }),
      }),
    /** Lets a saved card go. */
    remove: (cardId: string) => api.from('saved_cards').delete().eq('card_id', cardId),
  }
}

/** Saved cards. */
export type SavedCards = ReturnType<typeof createSavedCards>
