/** The SpiceDB schema for Domains, the platform and groups, shipped as docs/spicedb.zed. A deployment may add definitions. */
export const SPICEDB_SCHEMA = `// Who may read and erase in an audit log (docs/access.md).

definition user {}

definition service {}

definition group {
  relation member: user | service | group#member
}

// One for each Domain: domain:<UUID in lower case>
definition domain {
  relation owner: user | service | group#member
  relation admin: user | service | group#member
  relation auditor: user | service | group#member
  relation member: user | service | group#member

  // May erase identities. The permission does not include reading.
  permission manage = owner + admin
}

// Exactly one: platform:platform
definition platform {
  relation owner: user | service | group#member
  relation admin: user | service | group#member
  relation auditor: user | service | group#member
  relation member: user | service | group#member

  permission manage = owner + admin
}
`
