/** Tells when a page goes away. Where there are no pages, never. */

/** Calls `act` each time the page is hidden or left; phones may end a hidden page without another word. */
export function whenPageHides(act: () => void): void {
  const { document, addEventListener } = globalThis as {
    document?: { visibilityState?: string; addEventListener?: (name: string, listener: () => void) => void }
    addEventListener?: (name: string, listener: () => void) => void
  }
  if (!document?.addEventListener || !addEventListener) return
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') act()
  })
  addEventListener('pagehide', act)
}
