/** Where a session is kept between requests, and perhaps between visits. */

/** A store of texts by key, as the Web Storage API has it; the methods may also answer later. */
export type StorageAdapter = {
  getItem(key: string): string | null | Promise<string | null>
  setItem(key: string, value: string): void | Promise<void>
  removeItem(key: string): void | Promise<void>
}

/** Keeps the session as long as the program runs. The default. */
export function memoryStorage(): StorageAdapter {
  const items = new Map<string, string>()
  return {
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => {
      items.set(key, value)
    },
    removeItem: (key) => {
      items.delete(key)
    },
  }
}

/**
 * Keeps the session in the browser's localStorage, for all tabs of the site. Any script of the site can read it.
 * @throws TypeError where there is no localStorage
 */
export function localStorageAdapter(): StorageAdapter {
  const storage = globalThis.localStorage
  if (!storage) {
    throw new TypeError('There is no localStorage here. Leave storage out to keep the session in memory.')
  }
  return {
    getItem: (key) => storage.getItem(key),
    setItem: (key, value) => storage.setItem(key, value),
    removeItem: (key) => storage.removeItem(key),
  }
}
