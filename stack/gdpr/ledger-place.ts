/** Where a stack keeps its ledger of erasures. */
import { erasureFile } from '../../worker/proof/erasure-file.ts'
import type { Settings } from '../settings.ts'
import type { LedgerPlace } from './replay-erasures.ts'

/** The ledger's file and the key's folder. */
export function ledgerPlace(settings: Pick<Settings, 'dataDir' | 'ledgerDir'>): LedgerPlace {
  return { ledger: erasureFile(settings.ledgerDir ?? settings.dataDir), dataDir: settings.dataDir }
}
