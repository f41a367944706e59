/** Asks the operating system, not the mode bits, whether another user can enter a folder. */
import { spawnSync } from 'node:child_process'
import type { OsUser } from './os-user.ts'

/** True when `user` can change into `folder` (undefined: ourselves, always true). */
export function canEnter(user: OsUser | undefined, folder: string): boolean {
  if (!user) return true
  // cwd '/' because the child could not start in a folder its user may not enter.
  return (
    spawnSync('/bin/sh', ['-c', 'cd "$1"', 'sh', folder], { ...user, cwd: '/', stdio: 'ignore' }).status === 0
  )
}
