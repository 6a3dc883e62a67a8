// The script of a report: searches, sorts and pages the table of rows. It reads the data blocks of the page and nothing
// else, and writes every text with textContent. The page is complete without it, apart from the rows after the first.
;(() => {
  /**
   * One row, as src/cli/report/page/row-list.ts writes it.
   * @typedef {[number, number, string, number, string, string, string, string, string[], string[], string, string | 0, string, string]} RowJson
   * @typedef {{ chain: number, seq: number, time: string, reason: number, relation: string, object: string, subject: string,
   *   correlation: string, path: string, caveats: string, zedtoken: string, prev: string, hash: string, problem: string,
   *   context: string[], marks: string[], text: string }} Row
   * @typedef {{ reasons: string[], chains: string[], short: string[], marks: [number, number, string][][] }} Meta
   */

  const PAGE_ROWS = 100
  const PRINT_ROWS = 2_000

  /** @param {string} id */
  const byId = (id) => {
    const found = document.getElementById(id)
    if (found === null) throw new Error(`the page has no ${id}`)
    return found
  }
  const input = /** @type {HTMLInputElement} */ (byId('search'))
  const decision = /** @type {HTMLSelectElement} */ (byId('decision'))
  const chain = /** @type {HTMLSelectElement} */ (byId('chain'))
  const table = /** @type {HTMLTableElement} */ (byId('row-table'))
  const body = table.tBodies[0] ?? table.createTBody()

  /** @type {Meta} */
  const meta = JSON.parse(byId('report-meta').textContent ?? '')
  const contexts = readContexts()
  const rows = readRows()

  /** The rows of the current selection, in the current order. */
  let shown = rows
  let page = 0
  let sortKey = ''
  let isDescending = false
  /** Rows whose details are open. @type {Set<Row>} */
  const open = new Set()

  /** @returns {Row[]} */
  function readRows() {
    /** @type {Row[]} */
    const all = []
    for (const block of document.querySelectorAll('script.rows-data'))
      for (const json of JSON.parse(block.textContent ?? '[]')) all.push(rowOf(json, all.at(-1)?.hash ?? ''))
    return all
  }

  /** @returns {Map<string, string[]>} */
  function readContexts() {
    const all = new Map()
    for (const block of document.querySelectorAll('script.context-data'))
      for (const [key, ...fields] of JSON.parse(block.textContent ?? '[]')) all.set(key, fields)
    return all
  }

  /** @param {RowJson} json @param {string} before @returns {Row} */
  function rowOf(json, before) {
    const [
      chain,
      seq,
      time,
      reason,
      relation,
      object,
      subject,
      correlation,
      items,
      names,
      zedtoken,
      prev,
      hash,
      problem,
    ] = json
    const [path, caveats] = [items.join(' › '), names.join(', ')]
    const context = contexts.get(`${chain}/${seq}`) ?? []
    const marks = (meta.marks[chain] ?? [])
      .filter(([from, to]) => seq >= from && seq <= to)
      .map(([, , code]) => code)
    const texts = [
      meta.chains[chain],
      String(seq),
      time,
      meta.reasons[reason],
      relation,
      object,
      subject,
      correlation,
    ]
    const text = [...texts, path, caveats, zedtoken, hash, problem, ...context, ...marks]
      .join('\n')
      .toLowerCase()
    return {
      chain,
      seq,
      time: time.replace('T', ' ').replace('Z', ''),
      reason,
      relation,
      object,
      subject,
      correlation,
      path,
      caveats,
      zedtoken,
      prev: prev === 0 ? before : prev,
      hash,
      problem,
      context,
      marks,
      text,
    }
  }

  /**
   * @param {string} name @param {string} [text] @param {string} [className]
   * @returns {HTMLElement}
   */
  function element(name, text, className) {
    const made = document.createElement(name)
    if (text !== undefined) made.textContent = text
    if (className !== undefined) made.className = className
    return made
  }

  const hasChains = meta.chains.length > 1

  /** @param {Row} row @returns {HTMLTableRowElement} */
  function rowElement(row) {
    const line = document.createElement('tr')
    const isDenied = row.reason > 1
    if (row.marks.length > 0) line.className = 'found'
    const first = element('th')
    first.setAttribute('scope', 'row')
    const button = element('button', String(row.seq))
    button.setAttribute('type', 'button')
    button.setAttribute('aria-expanded', String(open.has(row)))
    button.setAttribute('aria-label', `Row ${row.seq}: details`)
    button.addEventListener('click', () => toggle(row, line, button))
    first.append(button)
    const reason = element('td', meta.reasons[row.reason], isDenied ? 'decision denied' : 'decision')
    for (const mark of row.marks) reason.append(' ', element('strong', mark, 'mark'))
    line.append(first)
    if (hasChains) line.append(element('td', meta.short[row.chain], 'chain'))
    line.append(element('td', row.time, 'time'), reason)
    line.append(element('td', row.relation, 'value'), element('td', row.object, 'value'))
    line.append(element('td', row.subject.slice(0, 16) || row.problem, 'hash'))
    return line
  }

  /** @param {Row} row @returns {HTMLTableRowElement} */
  function detailElement(row) {
    const line = document.createElement('tr')
    line.className = 'detail'
    const cell = document.createElement('td')
    cell.colSpan = hasChains ? 7 : 6
    const list = element('dl')
    const [eventTime, ip, agent, metadata] = row.context
    /** @type {[string, string | undefined][]} */
    const fields = [
      ['Finding', row.marks.join(', ')],
      ['Problem', row.problem],
      ['Subject (pseudonym)', row.subject],
      ['Relation path', row.path],
      ['Conditions (names only)', row.caveats],
      ['Correlation id', row.correlation],
      ['Zedtoken', row.zedtoken],
      ['Hash of the row before', row.prev],
      ['Hash of this row', row.hash],
      ['Event’s own time (not covered by the hash)', eventTime],
      ['Address (not covered by the hash)', ip],
      ['Program (not covered by the hash)', agent],
      ['Metadata (not covered by the hash)', metadata],
    ]
    for (const [name, value] of fields) if (value) list.append(element('dt', name), element('dd', value))
    cell.append(list)
    line.append(cell)
    return line
  }

  /** @param {Row} row @param {HTMLElement} line @param {HTMLElement} button */
  function toggle(row, line, button) {
    const isOpen = open.has(row)
    if (isOpen) {
      open.delete(row)
      line.nextElementSibling?.remove()
    } else {
      open.add(row)
      line.after(detailElement(row))
    }
    button.setAttribute('aria-expanded', String(!isOpen))
  }

  /** @param {Row[]} list */
  function draw(list) {
    const lines = list.flatMap((row) =>
      open.has(row) ? [rowElement(row), detailElement(row)] : [rowElement(row)],
    )
    body.replaceChildren(...lines)
  }

  function show() {
    const pages = Math.max(1, Math.ceil(shown.length / PAGE_ROWS))
    page = Math.min(Math.max(page, 0), pages - 1)
    const from = page * PAGE_ROWS
    draw(shown.slice(from, from + PAGE_ROWS))
    const range =
      shown.length === 0 ? '' : ` Showing ${from + 1} to ${Math.min(from + PAGE_ROWS, shown.length)}.`
    byId('status').textContent = `${shown.length} of ${rows.length} listed rows match.${range}`
    byId('page').textContent = `Page ${page + 1} of ${pages}`
    for (const id of ['first', 'previous']) byId(id).toggleAttribute('disabled', page === 0)
    for (const id of ['next', 'last']) byId(id).toggleAttribute('disabled', page >= pages - 1)
  }

  /** @param {Row} row @param {string} wanted */
  function isDecided({ reason, marks }, wanted) {
    if (wanted === '') return true
    if (wanted === 'damaged') return marks.length > 0 || reason === 0
    return wanted === 'granted' ? reason === 1 : reason > 1
  }

  function select() {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean)
    const [wanted, chosen] = [decision.value, chain.value]
    shown = rows.filter(
      (row) =>
        isDecided(row, wanted) &&
        (chosen === '' || row.chain === Number(chosen)) &&
        words.every((word) => row.text.includes(word)),
    )
    if (sortKey !== '') sort()
    page = 0
    show()
  }

  function sort() {
    const key = /** @type {'chain' | 'seq' | 'time' | 'reason' | 'relation' | 'object' | 'subject'} */ (
      sortKey
    )
    const way = isDescending ? -1 : 1
    shown = [...shown].sort((a, b) => {
      if (a[key] === b[key]) return a.chain - b.chain || a.seq - b.seq
      return a[key] < b[key] ? -way : way
    })
  }

  /** @param {HTMLElement} head */
  function sortBy(head) {
    const key = head.dataset.key ?? ''
    isDescending = sortKey === key && !isDescending
    sortKey = key
    for (const other of table.querySelectorAll('th[data-key]')) other.removeAttribute('aria-sort')
    head.setAttribute('aria-sort', isDescending ? 'descending' : 'ascending')
    sort()
    page = 0
    show()
  }

  function prepareHeads() {
    for (const cell of table.querySelectorAll('th[data-key]')) {
      const button = element('button', cell.textContent ?? '')
      button.setAttribute('type', 'button')
      button.addEventListener('click', () => sortBy(/** @type {HTMLElement} */ (cell)))
      cell.replaceChildren(button, element('span', cell.textContent ?? '', 'paper'))
    }
  }

  function prepareControls() {
    for (const [i, name] of meta.chains.entries()) {
      const option = element('option', name)
      option.setAttribute('value', String(i))
      chain.append(option)
    }
    byId('chain-label').hidden = !hasChains
    /** @type {number | undefined} */
    let waiting
    input.addEventListener('input', () => {
      clearTimeout(waiting)
      waiting = setTimeout(select, 120)
    })
    decision.addEventListener('change', select)
    chain.addEventListener('change', select)
    const controls = byId('controls')
    controls.addEventListener('submit', (event) => {
      event.preventDefault()
      select()
    })
    controls.hidden = false
    byId('pages').hidden = false
    /** @type {[string, () => number][]} */
    const moves = [
      ['first', () => 0],
      ['previous', () => page - 1],
      ['next', () => page + 1],
      ['last', () => Number.MAX_SAFE_INTEGER],
    ]
    for (const [id, target] of moves)
      byId(id).addEventListener('click', () => {
        page = target()
        show()
      })
  }

  /** Paper has no pages of the table: all rows of the selection are printed, up to a limit that the page names. */
  function prepareForPrint() {
    const note = byId('print-note')
    note.hidden = shown.length <= PRINT_ROWS
    note.textContent = `Printed are the first ${PRINT_ROWS} of ${shown.length} rows that match.`
    draw(shown.slice(0, PRINT_ROWS))
  }

  addEventListener('beforeprint', prepareForPrint)
  addEventListener('afterprint', () => {
    byId('print-note').hidden = true
    show()
  })
  prepareHeads()
  prepareControls()
  show()
})()
