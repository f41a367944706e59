/** The one way to graphile-migrate. The order of the two lines matters. */
import './understand-dollar-quotes.ts'

export { commit, compile, Logger, migrate, type Settings } from 'graphile-migrate'
