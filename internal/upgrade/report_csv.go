package upgrade

import "io"

// csvHead is the first row of the CSV.
var csvHead = []string{"kind", "table", "id", "column", "reason", "detail"}

// WriteCSV writes every line in the order in which they came: UTF-8, commas,
// and no cell that a spreadsheet takes for a formula.
func (r *Report) WriteCSV(w io.Writer) error {
	if err := r.spool.out.Flush(); err != nil {
		return err
	}
	_, err := io.Copy(w, r.spool.read(reportSpan{0, r.spool.size}))
	return err
}
