/** The shell line that Postgres runs for each segment, run as Postgres runs it. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { archiveCommand, restoreCommand } from '../../../stack/backup/archive-command.ts'
import { segmentName, segmentNames, segmentNumber, segmentOf } from '../../../stack/backup/lsn.ts'

const SEGMENT = '000000010000000000000007'
let home: string
let archive: string
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'howdah archive '))
  archive = join(home, `Käse "50%p" $HOME's`)
  mkdirSync(archive)
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

/** As Postgres does: the placeholders replaced, the rest given to sh. */
const run = (command: string, path: string) => {
  const line = command.replaceAll(
    /%([pf%])/g,
    (_, which) => ({ p: path, f: SEGMENT, '%': '%' })[which as string] ?? '',
  )
  return spawnSync('/bin/sh', ['-c', line], { cwd: home, encoding: 'utf8' })
}
const write = (name: string, text: string) => writeFileSync(join(home, name), text)
const kept = () => gunzipSync(readFileSync(join(archive, `${SEGMENT}.gz`))).toString()

test('a segment arrives whole, and arriving again is no harm', () => {
  write('segment', 'one')
  expect(run(archiveCommand(archive), 'segment').status).toBe(0)
  expect(kept()).toBe('one')
  expect(run(archiveCommand(archive), 'segment').status).toBe(0)
  expect(readdirSync(archive)).toEqual([`${SEGMENT}.gz`])
})

test('another content under the same name is refused, and what was there stays', () => {
  write('segment', 'one')
  write('other', 'two')
  run(archiveCommand(archive), 'segment')
  expect(run(archiveCommand(archive), 'other').status).not.toBe(0)
  expect(kept()).toBe('one')
})

test('what a crash left half done is done anew', () => {
  write('segment', 'one')
  writeFileSync(join(archive, `.${SEGMENT}.partial`), gzipSync('on').subarray(0, 5))
  expect(run(archiveCommand(archive), 'segment').status).toBe(0)
  expect(kept()).toBe('one')
})

test('a folder that is gone, and a segment that cannot be read, are failures', () => {
  write('segment', 'one')
  expect(run(archiveCommand(archive), 'missing').status).not.toBe(0)
  expect(readdirSync(archive).filter((name) => !name.startsWith('.'))).toEqual([])
  rmSync(archive, { recursive: true })
  expect(run(archiveCommand(archive), 'segment').status).not.toBe(0)
})

test('the way back: the same bytes, and a quiet no for what is not there', () => {
  write('segment', 'one')
  run(archiveCommand(archive), 'segment')
  expect(run(restoreCommand(archive), 'back').status).toBe(0)
  expect(readFileSync(join(home, 'back'), 'utf8')).toBe('one')
  chmodSync(join(archive, `${SEGMENT}.gz`), 0o600)
  rmSync(join(archive, `${SEGMENT}.gz`))
  expect(run(restoreCommand(archive), 'nothing')).toMatchObject({ status: 1, stderr: '' })
  expect(() => archiveCommand('/tmp/a\nb')).toThrow('control character')
})

test('segments are counted as Postgres counts them', () => {
  const bytes = 16 * 1024 * 1024
  expect(segmentName(1, segmentOf('0/2000028', bytes), bytes)).toBe('000000010000000000000002')
  expect(segmentName(10, segmentOf('1/FF000000', bytes), bytes)).toBe('0000000A00000001000000FF')
  // The first byte of a segment is not the end of the one before.
  expect(segmentOf('0/3000000', bytes)).toBe(3n)
  expect(segmentOf('0/3000000', bytes, true)).toBe(2n)
  expect(segmentNames(1, 255n, 256n, bytes)).toEqual(['0000000100000000000000FF', '000000010000000100000000'])
  expect(segmentNumber('000000010000000100000000', bytes)).toBe(256n)
})
