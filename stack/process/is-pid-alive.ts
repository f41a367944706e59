/** Whether a number belongs to a process right now; identity.ts tells whether it is still the same one. */

/** True when there is a process with this pid, whoever owns it. */
export function isPidAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
