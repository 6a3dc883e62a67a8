import type { ReadTime } from '../base/wire-time.js'
import type { AccessObject } from './access.js'
import type { AppendItem, Placed } from './append.js'

/** A relation of a subject to a chain. Groups only have the relation `member`. */
export type Relation = 'owner' | 'admin' | 'auditor' | 'member'

/** An object that subjects have relations on. */
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
  /** Absent: all objects. */
  readonly object?: RelationObject | undefined
  readonly subject?: string | undefined
}

/** The tuple after which a page begins. Undefined: at the first tuple. */
export type TuplePosition = RelationTuple | undefined

export interface RelationStore {
  /**
   * Adds a tuple and appends `selfAudit` in one transaction. `auditRows` is empty if the tuple existed before. Rejects with
   * `domain_not_found`, and with the errors of an append.
   */
  grant(tuple: RelationTuple, selfAudit: AppendItem): Promise<{ readonly auditRows: readonly Placed[] }>
  /** Removes a tuple in the same way. Rejects with `relation_not_found`. */
  revoke(tuple: RelationTuple, selfAudit: AppendItem): Promise<{ readonly auditRows: readonly Placed[] }>
  /** Returns the first `limit` tuples after `after`, by object, relation and subject. */
  page(
    filter: RelationFilter,
    range: { after: TuplePosition; limit: number },
  ): Promise<readonly StoredTuple[]>
  /**
   * Returns the chains on which a group has a relation, itself or through groups that it is a member of: Domain ids,
   * sorted.
   */
  chainsOf(group: string): Promise<readonly string[]>
}

/** The question that an authorizer asks about relation tuples. */
export interface RelationWalk {
  /**
   * Returns whether `subject`, or a group that it is a member of, has one of `relations` on `object`. Follows nested groups
   * up to a depth that the adapter chooses; deeper groups do not count, and groups that contain each other do no harm. Runs
   * one query, the same for an object without relations.
   */
  holds(subject: string, relations: readonly Relation[], object: AccessObject): Promise<boolean>
}
