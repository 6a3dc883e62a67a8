import { randomBytes } from 'node:crypto'
import { insertRows } from '../chain-rows.js'
import { asSuperuser, cloneDatabase, rowsOf, testDatabase } from '../postgres.js'
import { A, B, CHAINS } from './chains.js'

/** A copy of the untouched chains. */
export interface Field {
  /** URL of the superuser. */
  readonly url: string
  drop(): Promise<void>
}

export interface AttackFixture {
  /** Returns a copy after an attack, run as superuser with triggers off. */
  attacked(sql: string): Promise<Field>
  drop(): Promise<void>
}

/** A template database with the chains of chains.ts. Every attack gets a clone (about 50 ms). */
export async function attackFixture(): Promise<AttackFixture> {
  const template = await testDatabase()
  for (const domainId of [A, B]) {
    await rowsOf(template.url, 'INSERT INTO audit_domain (domain_id) VALUES ($1)', [domainId])
  }
  for (const rows of Object.values(CHAINS)) await insertRows(template.url, rows)
  return {
    async attacked(sql) {
      const field = await clone(template.url)
      if (sql !== '') await asSuperuser(field.url, sql)
      return field
    },
    drop: () => template.drop(),
  }
}

async function clone(url: string): Promise<Field> {
  const name = `${nameOf(url)}_${randomBytes(4).toString('hex')}`
  const admin = named(url, 'postgres')
  await cloneDatabase(admin, name, nameOf(url))
  return {
    url: named(url, name),
    drop: async () => {
      await rowsOf(admin, `DROP DATABASE ${name} WITH (FORCE)`)
    },
  }
}

const nameOf = (url: string) => /@\/([^?]+)/.exec(url)?.[1] ?? ''
const named = (url: string, name: string) => url.replace(`@/${nameOf(url)}`, `@/${name}`)
