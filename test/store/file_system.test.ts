import Database from 'better-sqlite3'
import { existsSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { studiesFile } from '../../src/results.ts'
import { mountType, networkFileSystem, networkName } from '../../src/store/file_system.ts'
import { openSqliteStore, type SqliteOptions } from '../../src/store/sqlite.ts'
import { record, start } from '../contracts/store.ts'
import { temporaryDir } from '../temporary.ts'

describe('a file system', () => {
  test.each([
    [0x6969, undefined, 'NFS'],
    [0xff534d42, undefined, 'CIFS'],
    [0xff534d42 | 0, undefined, 'CIFS'], // as a signed number
    [0x0bd00bd0, undefined, 'Lustre'],
    [0x47504653, undefined, 'GPFS'],
    [0x65735546, 'fuse.sshfs', 'sshfs'],
    [0x65735546, 'fuse.glusterfs', 'glusterfs'],
    [0x65735546, 'fuseblk', undefined],
    [0x65735546, 'fuse.fuse-overlayfs', undefined],
    [0x65735546, undefined, undefined],
    [0xef53, undefined, undefined], // ext4
    [0x9123683e, undefined, undefined], // btrfs
    [0x01021994, undefined, undefined], // tmpfs
    [0x01021997, undefined, undefined], // 9p
  ])('of type 0x%x and mount %s is %s', (type, mount, name) => {
    expect(networkName(type, () => mount)).toBe(name)
  })

  test('is that of the deepest mount, the last one there, with spaces in its name or not', () => {
    const mounts = [
      '/dev/vda / ext4 rw 0 0',
      'host:/data /data nfs4 rw 0 0',
      'me@host: /data/my\\040results fuse.sshfs rw 0 0',
      '/dev/vdb /data/local xfs rw 0 0',
      'host: /data/local fuse.rclone rw 0 0',
      '',
    ].join('\n')
    expect(mountType(mounts, '/home/me')).toBe('ext4')
    expect(mountType(mounts, '/data')).toBe('nfs4')
    expect(mountType(mounts, '/database')).toBe('ext4')
    expect(mountType(mounts, '/data/my results/a')).toBe('fuse.sshfs')
    expect(mountType(mounts, '/data/local/a')).toBe('fuse.rclone')
  })

  test('of this machine is looked up', () => {
    expect(networkFileSystem('/proc')).toBeUndefined()
    expect(networkFileSystem('/no/such/place')).toBeUndefined()
  })
})

describe('results on a network disk', () => {
  function storeOn(dir: string, options: SqliteOptions) {
    const store = openSqliteStore(dir, { busyMs: 50, networkOf: () => 'NFS', ...options })
    onTestFinished(() => store.close())
    return store
  }

  test('are not written: the message says why, and two ways on', () => {
    const dir = temporaryDir()
    expect(() => storeOn(dir, {}).open(record)).toThrow(
      expect.objectContaining({
        code: 'results/unwritable',
        message: expect.stringContaining('(NFS)'),
        hint: expect.stringMatching(/--results DIR.*--exclusive/),
      }),
    )
    expect(existsSync(studiesFile(dir))).toBe(false)
  })

  test('are read', () => {
    const dir = temporaryDir()
    const local = openSqliteStore(dir)
    local.open(record).start(start)
    local.close()
    expect(storeOn(dir, {}).list()[0]?.history.trials).toHaveLength(1)
  })

  test('are written by one process alone, without a log beside them, and by the next after it', () => {
    const dir = temporaryDir()
    const local = openSqliteStore(dir)
    local.open(record).start(start)
    local.close()
    const store = storeOn(dir, { isAlone: true })
    const study = store.open(record)
    study.start({ ...start, number: 0 })
    study.report(0, { step: 1, metrics: { pq: 0.5 }, at: 1 })
    study.finish(0, { state: 'complete' })
    expect(store.list()[0]?.history.trials[0]?.outcome.state).toBe('complete')
    expect(existsSync(`${studiesFile(dir)}-wal`)).toBe(false)
    const other = new Database(studiesFile(dir), { timeout: 10 })
    expect(() => other.prepare('SELECT * FROM trials').all()).toThrow('locked')
    other.close()
    store.close()
    expect(storeOn(dir, {}).list()[0]?.history.trials).toMatchObject([{ reports: [{ step: 1 }] }])
  })
})
