// rows.ts - which lines of a long text stand where on the screen, without drawing them. A line takes one row, or several when long
// lines are broken; `starts` holds how many rows stand before each line, so that a place is found by halving.

const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|[\ud83c-\ud83e][\udc00-\udfff]/g;

/** How many cells of a fixed-width font a text takes. */
export function cells(text: string): number {
  let width = text.length;
  if (text.includes("\t")) {
    width = 0;
    for (const character of text) width += character === "\t" ? 8 - (width % 8) : 1;
  }
  for (let i = 0; i < text.length; i++) {
    if (text.charCodeAt(i) >= 0x1100) return width + (text.match(WIDE) ?? []).filter((found) => found.length === 1).length;
  }
  return width;
}

export class RowIndex {
  private readonly starts: number[] = [0];
  /** Cells in a row; 0: lines are not broken. */
  private columns = 0;

  get lines(): number {
    return this.starts.length - 1;
  }

  get total(): number {
    return this.starts[this.lines] ?? 0;
  }

  /** @return whether it has changed: everything must be counted anew then */
  setColumns(columns: number): boolean {
    if (columns === this.columns) return false;
    this.columns = columns;
    this.starts.length = 1;
    return true;
  }

  rowsOf(text: string): number {
    if (this.columns === 0) return 1;
    return text.length * 2 <= this.columns ? 1 : Math.max(1, Math.ceil(cells(text) / this.columns));
  }

  /**
   * Count lines from `first` on; those before stay as they are.
   * @param chosen  which of the texts are lines here; null: all of them
   */
  update(texts: readonly string[], first: number, chosen: readonly number[] | null = null): void {
    const from = Math.min(first, this.lines);
    const count = chosen?.length ?? texts.length;
    this.starts.length = from + 1;
    let at = this.starts[from] ?? 0;
    for (let i = from; i < count; i++) {
      at += this.rowsOf(texts[chosen?.[i] ?? i] ?? "");
      this.starts.push(at);
    }
  }

  /** The row in which a line begins. */
  rowOf(line: number): number {
    return this.starts[Math.min(Math.max(0, line), this.lines)] ?? 0;
  }

  /** The line that stands in a row. */
  lineAt(row: number): number {
    let low = 0;
    let high = this.lines;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.starts[middle] ?? 0) <= row) low = middle;
      else high = middle - 1;
    }
    return Math.min(low, Math.max(0, this.lines - 1));
  }
}
