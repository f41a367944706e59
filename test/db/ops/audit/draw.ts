/** Random numbers that come again with the same seed, so that a forgery that was missed can be made once more. */

/** A whole number from 0 up to, but not including, `below`. */
export type Draw = (below: number) => number

/** A sequence of draws. Source: mulberry32, public domain. */
export function drawFrom(seed: number): Draw {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below)
  }
}
