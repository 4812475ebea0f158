import { accessSync, constants, readdirSync, statSync } from 'node:fs'
import { basename, delimiter, join, resolve } from 'node:path'
import { nearest, TuneError } from '../errors.ts'

/** The file that a program's name stands for: a path, or a name that is looked for along the PATH. */
export function findProgram(name: string, path = process.env['PATH'] ?? ''): string {
  if (name.includes('/')) return checkedFile(resolve(name), name)
  const dirs = path.split(delimiter).filter((dir) => dir !== '')
  const files = dirs.map((dir) => resolve(dir, name)).filter(isFile)
  const file = files.find(isExecutable) ?? files[0]
  if (file !== undefined) return checkedFile(file, name)
  const near = nearest(name, dirs.flatMap(namesIn))
  throw new TuneError('study/invalid', `command: there is no program '${name}' on the PATH`, {
    hint: near === undefined ? 'install it, or name it by its path' : `did you mean '${near}'?`,
  })
}

function checkedFile(file: string, name: string): string {
  if (!isFile(file)) {
    throw new TuneError('study/invalid', `command: there is no program ${name}`, {
      hint: `looked for ${file}: a path is taken from the directory that tune is started in`,
    })
  }
  if (isExecutable(file)) return file
  throw new TuneError('study/invalid', `command: ${name} is not executable`, {
    hint: `chmod +x ${name}, or start it by its interpreter: command(() => ['python3', '${basename(name)}'])`,
  })
}

function isFile(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false })?.isFile() ?? false
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

function namesIn(dir: string): readonly string[] {
  try {
    return readdirSync(dir).filter((name) => isExecutable(join(dir, name)))
  } catch {
    return []
  }
}
