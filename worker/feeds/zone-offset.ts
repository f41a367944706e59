/** Time zones as feeds write them. An unknown name counts as UTC, as RFC 5322 section 4.3 asks. */

/** Offsets in minutes of the abbreviations that feeds use, standard and summer time. */
const NAMED: Record<string, number> = {
  ...{ est: -300, edt: -240, et: -300, cst: -360, cdt: -300, ct: -360, mst: -420, mdt: -360, mt: -420 },
  ...{ pst: -480, pdt: -420, pt: -480, akst: -540, akdt: -480, hst: -600, ast: -240, adt: -180 },
  ...{ nst: -210, ndt: -150, brt: -180, art: -180, clt: -240, clst: -180 },
  ...{ wet: 0, west: 60, bst: 60, cet: 60, cest: 120, mez: 60, mesz: 120, met: 60, mest: 120 },
  ...{ eet: 120, eest: 180, msk: 180, msd: 240, sast: 120, ist: 330, pkt: 300, ict: 420, wib: 420 },
  ...{ sgt: 480, hkt: 480, awst: 480, jst: 540, kst: 540, acst: 570, acdt: 630, aest: 600, aedt: 660 },
  ...{ nzst: 720, nzdt: 780 },
}

/** No place on earth is further from UTC. */
const MAX_OFFSET_MINUTES = 14 * 60

/**
 * Minutes east of UTC for `+0200`, `-05:00`, `GMT+1`, `EST`, `Z`, `(CEST)` or nothing; undefined for an impossible offset.
 */
export function zoneOffsetMinutes(zone: string): number | undefined {
  const numeric = /([+\-−])\s*(\d{1,2}):?(\d{2})?(?!\d)/.exec(zone)
  if (numeric) {
    const minutes = Number(numeric[2]) * 60 + Number(numeric[3] ?? 0)
    if (minutes > MAX_OFFSET_MINUTES) return undefined
    return numeric[1] === '+' ? minutes : -minutes
  }
  const name = /[a-z]+/i.exec(zone)?.[0].toLowerCase()
  return name === undefined ? 0 : (NAMED[name] ?? 0)
}
