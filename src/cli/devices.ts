import { Command } from 'commander'
import { listDevices, type FoundDevice, type Offer } from '../models/engines/devices.ts'
import { jsonOption } from './options.ts'

/** `tune devices`. */
export function devicesCommand(print: (text: string) => void): Command {
  return new Command('devices')
    .description('what this machine offers to train on, and why the rest is missing')
    .addOption(jsonOption())
    .action(async ({ json }: { readonly json?: boolean }) => {
      const offers = await listDevices()
      print(json ? `${JSON.stringify(offers, null, 2)}\n` : `${offers.flatMap(lines).join('\n')}\n`)
    })
}

function lines({ kind, devices, missing }: Offer): readonly string[] {
  const found = devices.map((device) => `${nameOf(kind, device).padEnd(8)}  ${describe(device)}`)
  if (!missing) return found
  return [...found, `${kind.padEnd(8)}  cannot be used: ${missing.reason}`, `${' '.repeat(10)}${missing.hint}`]
}

/** As `--device` takes it: only GPUs of CUDA are told apart by numbers. */
function nameOf(kind: Offer['kind'], { index }: FoundDevice): string {
  return kind === 'cuda' ? `${kind}:${index}` : kind
}

function describe({ name, memoryMiB }: FoundDevice): string {
  return memoryMiB === undefined ? name : `${name}, ${(memoryMiB / 1024).toFixed(0)} GiB`
}
