/** Columns of a table are two spaces apart. */
export const GAP = '  '

/** Returns the columns of a terminal that a table with columns of these widths takes. */
export function tableWidth(widths: readonly number[]): number {
  return widths.reduce((all, width) => all + width, 0) + GAP.length * Math.max(0, widths.length - 1)
}

/** Takes from the widest column, down to its least width, until the table fits into the room or nothing is left to take. */
export function fitWidths(widths: readonly number[], least: readonly number[], room: number): number[] {
  const fitted = [...widths]
  for (let over = tableWidth(fitted) - room; over > 0; over -= 1) {
    const place = fitted.reduce((best, width, index) => {
      if (width <= (least[index] ?? 0)) return best
      return best < 0 || width > (fitted[best] ?? 0) ? index : best
    }, -1)
    if (place < 0) break
    fitted[place] = (fitted[place] ?? 0) - 1
  }
  return fitted
}
