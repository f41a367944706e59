/** Colors for people only: a log, a pipe and CI (where picocolors would paint by itself) get plain text. */
import picocolors from 'picocolors'

const isTerminal = process.stdout.isTTY === true && process.stderr.isTTY === true

/** As picocolors, but without effect unless both outputs are a terminal. NO_COLOR is honoured. */
export const colors = picocolors.createColors(isTerminal && picocolors.isColorSupported)
