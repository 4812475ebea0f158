import { totalmem } from 'node:os'
import { Command } from 'commander'
import { listDevices, type FoundDevice, type Offer } from '../models/engines/devices.ts'
import { slotsInUse, type SlotInUse } from '../store/slot_locks.ts'
import { deviceKey } from '../trials/room.ts'
import { count, wrap } from './format.ts'
import { jsonOption } from './options.ts'
import { cpuSlots, holderText } from './slots.ts'
import type { Terminal } from './terminal.ts'

/** A device, how many trials it takes at once unless the user says so, why that many, and which it has now. */
interface ShownDevice extends FoundDevice {
  readonly slots: number
  readonly why: string
  readonly inUse: readonly SlotInUse[]
}

interface Shown extends Omit<Offer, 'devices'> {
  readonly devices: readonly ShownDevice[]
}

/** `tune devices`. */
export function devicesCommand(print: (text: string) => void, terminal: Terminal): Command {
  return new Command('devices')
    .description('what this machine offers to train on, how busy that is, and why the rest is missing')
    .addOption(jsonOption())
    .action(async ({ json }: { readonly json?: boolean }) => {
      const shown = (await listDevices()).map(withUse)
      print(
        json ? `${JSON.stringify(shown, null, 2)}\n` : `${shown.flatMap((one) => lines(one, terminal)).join('\n')}\n`,
      )
    })
}

function withUse(offer: Offer): Shown {
  const devices = offer.devices.map((device) => {
    const inUse = offer.kind === 'cpu' ? [] : slotsInUse(deviceKey({ threads: 1, ...device, kind: offer.kind }))
    return { ...device, ...slotsFor(offer.kind), inUse }
  })
  return { ...offer, devices }
}

function slotsFor(kind: Offer['kind']): { readonly slots: number; readonly why: string } {
  if (kind === 'cpu') {
    const { slots, reason } = cpuSlots()
    return { slots, why: reason }
  }
  const why = kind === 'cuda' ? '--slots auto runs as many as its memory has room for' : '--slots N runs N processes'
  return { slots: 1, why }
}

const INDENT = ' '.repeat(10)

function lines({ kind, devices, missing }: Shown, { columns }: Terminal): readonly string[] {
  const section = (name: string, ...texts: readonly (string | undefined)[]) =>
    texts
      .filter((text) => text !== undefined)
      .map((text, i) => wrap(`${(i === 0 ? name : '').padEnd(8)}  ${text}`, columns, INDENT))
  const found = devices.flatMap((device) =>
    section(
      nameOf(kind, device),
      describe(device),
      useOf(kind, device),
      ...device.inUse.map(({ slot, by }) => `slot ${slot}: ${holderText(by)}`),
      // Programs of a study's own may use what is missing only to our networks.
      missing && kind !== 'cuda' ? undefined : `${count(device.slots, 'slot')}: ${device.why}`,
    ),
  )
  return missing ? [...found, ...section(kind, `cannot be used: ${missing.reason}`, missing.hint)] : found
}

/** As `--device` takes it: only GPUs of CUDA are told apart by numbers. */
function nameOf(kind: Offer['kind'], { index }: FoundDevice): string {
  return kind === 'cuda' ? `${kind}:${index}` : kind
}

function describe({ name, memoryMiB }: FoundDevice): string {
  return memoryMiB === undefined ? name : `${name}, ${(memoryMiB / 1024).toFixed(0)} GiB`
}

function useOf(kind: Offer['kind'], { busyPercent, memoryMiB, usedMiB }: FoundDevice): string | undefined {
  if (kind === 'cpu') {
    const all = process.constrainedMemory() || totalmem()
    return `${gibibytes(process.availableMemory())} of ${gibibytes(Math.min(all, totalmem()))} GiB of memory free`
  }
  const parts = [
    ...(busyPercent === undefined ? [] : [`${busyPercent} % busy`]),
    ...(usedMiB === undefined || memoryMiB === undefined
      ? []
      : [`${gibibytes(usedMiB * 2 ** 20)} of ${gibibytes(memoryMiB * 2 ** 20)} GiB used`]),
  ]
  if (parts.length > 0) return parts.join(', ')
  return kind === 'cuda' ? 'nvidia-smi does not say how busy it is' : undefined
}

function gibibytes(bytes: number): string {
  return (bytes / 2 ** 30).toFixed(1)
}
