/** Where this checkout lies; nothing here depends on the folder a command was typed in. */
import { fileURLToPath } from 'node:url'

/** Absolute path of the folder that holds package.json. */
export const PROJECT_DIR: string = fileURLToPath(new URL('..', import.meta.url)).replace(/[/\\]$/, '')
