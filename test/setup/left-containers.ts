/** Containers of test runs carry the run's process id, so that those of a killed run can be told and removed. */

import type { ContainerRuntimeClient } from 'testcontainers'
import { isPidAlive } from '../../stack/process/is-pid-alive.ts'

/** The label's name; its value is the process id. */
export const RUN_LABEL = 'howdah.test.run'

/** Removes containers whose run is gone. */
export async function removeLeftContainers(engine: ContainerRuntimeClient): Promise<void> {
  for (const info of await engine.container.list()) {
    const pid = info.Labels[RUN_LABEL]
    if (pid === undefined || isPidAlive(Number(pid))) continue
    await engine.container.remove(engine.container.getById(info.Id), { removeVolumes: true })
  }
}
