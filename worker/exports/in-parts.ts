/** Cuts a stream of bytes into parts of one size. */

/** Every part has `partBytes` bytes but the last, which has the rest; nothing gives no part. */
export async function* inParts(chunks: AsyncIterable<Uint8Array>, partBytes: number): AsyncGenerator<Buffer> {
  let held: Uint8Array[] = []
  let heldBytes = 0
  for await (let chunk of chunks) {
    while (heldBytes + chunk.length >= partBytes) {
      const taken = partBytes - heldBytes
      yield Buffer.concat([...held, chunk.subarray(0, taken)])
      chunk = chunk.subarray(taken)
      held = []
      heldBytes = 0
    }
    if (chunk.length > 0) held.push(chunk)
    heldBytes += chunk.length
  }
  if (heldBytes > 0) yield Buffer.concat(held)
}
