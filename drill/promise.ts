/** What the drill looked at, what was promised there, and what it saw. */

/** One line of the report. `kept` names what is allowed to stay, each with its reason. */
export type Finding = {
  what: string
  promised: string
  seen: string
  /** Undefined where nothing is promised: it is told, and breaks nothing. */
  isKept: boolean | undefined
  details?: unknown
}

/** Collects findings; `say` hears each as it comes. */
export class Findings {
  readonly all: Finding[] = []
  readonly #say: (line: string) => void

  constructor(say: (line: string) => void) {
    this.#say = say
  }

  add(finding: Finding): void {
    this.all.push(finding)
    const mark = finding.isKept === undefined ? ' ' : finding.isKept ? '✓' : '✗'
    this.#say(`${mark} ${finding.what}: ${finding.seen}`)
  }

  /** A number of hits where none is promised. */
  none(what: string, hits: number, details?: unknown): void {
    this.add({ what, promised: '0 hits', seen: `${hits} hits`, isKept: hits === 0, details })
  }

  get broken(): Finding[] {
    return this.all.filter(({ isKept }) => isKept === false)
  }
}
