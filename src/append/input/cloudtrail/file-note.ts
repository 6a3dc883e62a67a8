import { z } from 'zod'

/** A line of a file of rejects that names a file which was set aside whole: it held no record that could be set aside. */
const schema = z.strictObject({ set_aside: z.string(), problem: z.string() })

export function fileNote(path: string, problem: string): Uint8Array {
  const note: z.output<typeof schema> = { set_aside: path, problem }
  return Buffer.from(JSON.stringify(note))
}

export function isFileNote(value: unknown): value is z.output<typeof schema> {
  return schema.safeParse(value).success
}
