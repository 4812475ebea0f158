import { readFileSync, realpathSync, statfsSync } from 'node:fs'

/**
 * The network file system that a directory lies on, by its name; undefined on a local disk, and where Linux is not there
 * to say. Such a disk is shared between machines, whose SQLites do not see each other's memory: without that a
 * write-ahead log breaks, as SQLite says itself. https://www.sqlite.org/wal.html#overview
 */
export function networkFileSystem(dir: string): string | undefined {
  try {
    const path = realpathSync(dir)
    return networkName(statfsSync(path).type, () => mountType(readFileSync('/proc/self/mounts', 'utf8'), path))
  } catch {
    return undefined
  }
}

/** The same by the type that statfs(2) gives and, where FUSE hides what is behind, the type of its mount. */
export function networkName(type: number, mount: () => string | undefined): string | undefined {
  if (type !== FUSE) return NETWORKS.get(type >>> 0)
  const name = mount()?.replace('fuse.', '')
  return name !== undefined && FUSE_NETWORKS.test(name) ? name : undefined
}

/** The type of the mount that a path lies in: of those whose directory leads to it, the deepest, mounted last. */
export function mountType(mounts: string, path: string): string | undefined {
  const leading = mounts.split('\n').flatMap((line) => {
    const [, dir = '', type] = line.split(' ')
    const plain = dir.replaceAll(/\\([0-7]{3})/g, (_, code: string) => String.fromCharCode(Number.parseInt(code, 8)))
    const isAbove = plain === '/' || path === plain || path.startsWith(`${plain}/`)
    return isAbove && type !== undefined ? [{ depth: plain.length, type }] : []
  })
  return leading.toReversed().toSorted((a, b) => b.depth - a.depth)[0]?.type
}

const FUSE = 0x65735546

/** linux/magic.h, and the sources of those that are not in it. 9p is not among them: virtual machines have local disks by it. */
const NETWORKS: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xff534d42, 'CIFS'],
  [0xfe534d42, 'SMB'],
  [0x0bd00bd0, 'Lustre'],
  [0x47504653, 'GPFS'],
  [0x19830326, 'BeeGFS'],
  [0xaad7aaea, 'PanFS'],
  [0x00c36400, 'Ceph'],
  [0x5346414f, 'AFS'],
  [0x73757245, 'Coda'],
  [0x7461636f, 'OCFS2'],
  [0x01161970, 'GFS2'],
])

const FUSE_NETWORKS =
  /^(sshfs|s3fs|s3ql|rclone|gcsfuse|goofys|mountpoint-s3|juicefs|glusterfs|ceph|cephfs|beegfs|davfs2?|curlftpfs|smbnetfs|nfs|moosefs|mfs|lizardfs|seaweedfs|weed|blobfuse2?)\b/
