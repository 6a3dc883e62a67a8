import type { ReadTime } from '../base/wire-time.js'
import type { AccessObject } from './access.js'
import type { AppendItem, Placed } from './append.js'

/** What a subject may be to a chain. Of a group there is `member` alone. */
export type Relation = 'owner' | 'admin' | 'auditor' | 'member'

/** What relations are given on. */
export type RelationObject = AccessObject | `group:${string}`

/** `subject` has `relation` on `object`. */
export interface RelationTuple {
  readonly object: RelationObject
  readonly relation: Relation
  /** `user:<id>`, `service:<id>`, or `group:<id>#member`. */
  readonly subject: string
}

export interface StoredTuple extends RelationTuple {
  readonly createdAt: ReadTime
}

export interface RelationFilter {
  /** Absent: on all objects. */
  readonly object?: RelationObject | undefined
  readonly subject?: string | undefined
}

/** Where a page of tuples begins: after this one. */
export type TuplePlace = RelationTuple | undefined

export interface RelationStore {
  /**
   * Adds a tuple and appends `selfAudit` in one transaction; `told` is empty where it was there. Rejects with
   * `domain_not_found`, and as an append does.
   */
  grant(tuple: RelationTuple, selfAudit: AppendItem): Promise<{ readonly auditRows: readonly Placed[] }>
  /** Takes it away again. Rejects with `relation_not_found`. */
  revoke(tuple: RelationTuple, selfAudit: AppendItem): Promise<{ readonly auditRows: readonly Placed[] }>
  /** By object, relation and subject, the first `limit` after `after`. */
  page(filter: RelationFilter, range: { after: TuplePlace; limit: number }): Promise<readonly StoredTuple[]>
  /** The chains on whose object a group has a relation, itself or by groups that it is a member of. Domain ids, sorted. */
  chainsOf(group: string): Promise<readonly string[]>
}

/** What of relation tuples an authorizer asks. */
export interface RelationWalk {
  /**
   * Whether `subject`, or a group that it is a member of, has one of `relations` on `object`. Groups nest up to a bound of
   * the adapter's; what is deeper does not count, and groups that contain each other do no harm. One query, the same for
   * an object that nobody has a relation on.
   */
  holds(subject: string, relations: readonly Relation[], object: AccessObject): Promise<boolean>
}
