package whmcs

import (
	"encoding/hex"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// A dumped table is what a dump says of one table.
type dumped struct {
	Table
	id       int    // the place of the column id, or -1
	unwanted []bool // the columns that are not read
	last     int64  // the id of the last row
	runs     []run
}

func newDumped(name string, columns []string) *dumped {
	t := &dumped{Table: Table{Name: name, Columns: columns}, id: slices.Index(columns, "id")}
	for _, column := range columns {
		t.unwanted = append(t.unwanted, !isWanted(name, column))
	}
	return t
}

// A parser reads the statements of a dump and keeps the rows that are needed.
type parser struct {
	*tokenizer
	tables []*dumped
	at     *dumped // the table whose rows are being read, or the last one
	locked bool    // tables are locked, as they are around their rows
	keep   func(t *dumped, row Row) error

	arena  []byte   // the values of the row that is being read, one after the other
	ends   []int    // where each ends in arena; below zero is NULL
	values [][]byte // the same in the order of the table's columns
}

// all reads every statement to the end of the file.
func (p *parser) all() error {
	for {
		t, err := p.next()
		if err != nil {
			return err
		}
		switch {
		case t.kind == atEnd:
			return p.whole()
		case t.is(";"):
		case t.kind != word:
			return p.wrong(t)
		case t.says("CREATE"):
			err = p.create()
		case t.says("INSERT"), t.says("REPLACE"):
			err = p.insert()
		case t.says("DELIMITER"):
			err = p.foreign()
		case t.says("LOCK"), t.says("UNLOCK"):
			p.locked = t.says("LOCK")
			err = p.skip()
		default:
			err = p.skip()
		}
		if err != nil {
			return err
		}
	}
}

// whole tells a file that ends from one that was cut off between statements:
// a dump that began with its program's comment ends with one too, and one that
// has none restores at its end the settings that it put by at its beginning,
// and unlocks what it locked. One that has neither tells nothing of its end.
// Where gzip misses its own end, the error is not io.EOF.
func (p *parser) whole() error {
	if p.begun && !p.finished || len(p.open) > 0 || p.locked || p.err != io.EOF {
		return errEnds
	}
	return nil
}

// create reads the columns of a table; other things that are made are skipped.
func (p *parser) create() error {
	t, err := p.next()
	if err != nil {
		return err
	}
	if !t.says("TABLE") {
		return p.restOf(t)
	}
	name, t, err := p.tableName()
	if err != nil {
		return err
	}
	if !t.is("(") {
		return p.restOf(t)
	}
	if p.table(name) != nil && isNeeded(name) {
		return fmt.Errorf("it makes the table %.64q a second time, so that it has more than one database: make a dump of WHMCS's alone", name)
	}
	columns, err := p.columns()
	if err != nil {
		return err
	}
	if p.table(name) == nil {
		p.tables = append(p.tables, newDumped(name, columns))
	}
	return p.skip()
}

// restOf skips the rest of the statement after t, which may have ended it.
func (p *parser) restOf(t token) error {
	if t.is(";") {
		return nil
	}
	return p.skip()
}

func (p *parser) table(name string) *dumped {
	for _, t := range p.tables {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// tableName reads a name, past the words that may stand before it and a
// database's name, and answers the token after it.
func (p *parser) tableName() (name string, after token, err error) {
	for {
		t, err := p.next()
		if err != nil {
			return "", t, err
		}
		if t.kind == atEnd {
			return "", t, p.ended()
		}
		if t.kind == word && slices.ContainsFunc([]string{"INTO", "IGNORE", "IF", "NOT", "EXISTS", "LOW_PRIORITY", "HIGH_PRIORITY", "DELAYED"}, t.says) {
			continue
		}
		if t.kind == sign {
			return "", t, p.wrong(t)
		}
		name = string(t.text)
		after, err = p.next()
		if err == nil && after.kind == word && string(after.text) == "." {
			continue // what we had was the database's
		}
		return name, after, err
	}
}

// notColumns begin those parts of a table that are no columns.
var notColumns = []string{"PRIMARY", "KEY", "UNIQUE", "INDEX", "CONSTRAINT", "FULLTEXT", "SPATIAL", "FOREIGN", "CHECK", "PERIOD"}

// columns reads the names of the columns, up to the bracket that closes them.
func (p *parser) columns() (names []string, err error) {
	for depth, begins := 1, true; depth > 0; {
		t, err := p.next()
		if err != nil {
			return nil, err
		}
		isName := begins && (t.kind == quoted || t.kind == word && !slices.ContainsFunc(notColumns, t.says))
		begins = false
		switch {
		case t.kind == atEnd:
			return nil, p.ended()
		case isName && (len(names) == maxColumns || len(t.text) > maxWord):
			return nil, errTooLong
		case isName:
			names = append(names, string(t.text))
		case t.is("("):
			depth++
		case t.is(")"):
			depth--
		case t.is(","):
			begins = depth == 1
		}
	}
	return names, nil
}

// maxColumns is how many columns a table of MySQL can have.
const maxColumns = 4096

// insert reads the rows of an INSERT into a table that is needed.
func (p *parser) insert() error {
	name, t, err := p.tableName()
	if err != nil {
		return err
	}
	p.at = p.table(name)
	if !isNeeded(name) {
		return p.restOf(t)
	}
	if p.at == nil {
		return fmt.Errorf("it has rows of %s and not the table: make the dump without --no-create-info", name)
	}
	order, t, err := p.order(t)
	if err != nil {
		return err
	}
	if !t.says("VALUES") && !t.says("VALUE") {
		return p.wrong(t)
	}
	return p.rows(order)
}

// wrong tells the end of the file from a token that must not stand there. The
// last token of a file can be the half of another.
func (p *parser) wrong(t token) error {
	if t.kind == atEnd || p.peek() < 0 {
		return p.ended()
	}
	return errSyntax
}

// order reads the list of columns, if t begins one: for each value of a row,
// its place among the table's columns.
func (p *parser) order(t token) ([]int, token, error) {
	var order []int
	if !t.is("(") {
		for i := range p.at.Columns {
			order = append(order, i)
		}
		return order, t, nil
	}
	names, err := p.columns()
	if err != nil {
		return nil, t, err
	}
	for _, name := range names {
		i := slices.Index(p.at.Columns, name)
		if i < 0 || slices.Contains(order, i) {
			return nil, t, fmt.Errorf("the rows of %s have a column %.64q, and the table does not", p.at.Name, name)
		}
		order = append(order, i)
	}
	t, err = p.next()
	return order, t, err
}

// rows reads (…),(…); to its end.
func (p *parser) rows(order []int) error {
	for {
		t, err := p.next()
		if err != nil {
			return err
		}
		if !t.is("(") {
			return p.wrong(t)
		}
		if err := p.row(order); err != nil {
			return err
		}
		t, err = p.next()
		switch {
		case err != nil:
			return err
		case t.is(";"):
			return nil
		case !t.is(","):
			return p.wrong(t)
		}
	}
}

// row reads the values up to the bracket that closes them and keeps them.
func (p *parser) row(order []int) error {
	p.arena, p.ends = p.arena[:0], p.ends[:0]
	for {
		if len(p.ends) == len(order) {
			return fmt.Errorf("a row has more values than its table has columns (%d)", len(order))
		}
		isNull, err := p.value()
		if err != nil {
			return err
		}
		end := len(p.arena)
		if isNull {
			end = -1
		}
		p.ends = append(p.ends, end)
		t, err := p.next()
		switch {
		case err != nil:
			return err
		case t.is(")"):
			return p.finish(order)
		case !t.is(","):
			return p.wrong(t)
		}
	}
}

// finish puts the values into the table's order and hands them on.
func (p *parser) finish(order []int) error {
	if len(p.ends) != len(order) {
		return fmt.Errorf("a row has %d values, and its table %d columns", len(p.ends), len(order))
	}
	p.values = slices.Grow(p.values[:0], len(p.at.Columns))[:len(p.at.Columns)]
	clear(p.values)
	begin := 0
	for i, end := range p.ends {
		if end >= 0 {
			p.values[order[i]] = p.arena[begin:end:end]
			begin = end
		}
	}
	for i, column := range p.at.unwanted {
		if column {
			p.values[i] = nil
		}
	}
	row := Row{ID: p.at.Rows + 1, Values: p.values}
	if p.at.id >= 0 {
		var err error
		if row.ID, err = strconv.ParseInt(string(p.values[p.at.id]), 10, 64); err != nil {
			return fmt.Errorf("a row has the id %.40q, which is no number", p.values[p.at.id])
		}
	}
	if err := p.keep(p.at, row); err != nil {
		return err
	}
	p.at.Rows++
	p.at.last = row.ID
	return nil
}

// value adds one value to the arena, or tells that it is NULL.
func (p *parser) value() (isNull bool, err error) {
	for begin := len(p.arena); ; {
		if err := p.space(); err != nil {
			return false, err
		}
		c := p.peek()
		switch {
		case c == '\'' || c == '"':
			p.arena, err = p.quote(p.arena, maxRow)
			return false, err
		case c == '0' && len(p.look(2)) == 2 && p.look(2)[1] == 'x':
			return false, p.hex()
		}
		t, err := p.next()
		switch {
		case err != nil:
			return false, err
		case t.is("-") && len(p.arena) == begin:
			p.arena = append(p.arena, '-')
		case t.kind != word:
			return false, p.wrong(t)
		case t.text[0] == '_': // names the character set of the text that follows
		case (t.says("x") || t.says("b")) && p.peek() == '\'':
			return false, p.coded(t.says("x"))
		case t.says("NULL") && len(p.arena) == begin:
			return true, nil
		case t.text[0] >= '0' && t.text[0] <= '9' || t.text[0] == '.':
			p.arena = append(p.arena, t.text...)
			return false, p.exponent()
		default:
			return false, p.wrong(t)
		}
	}
}

// exponent adds the rest of a number like 1e+20, whose sign ends the word.
func (p *parser) exponent() error {
	if last := p.arena[len(p.arena)-1]; last != 'e' && last != 'E' {
		return nil
	}
	t, err := p.next()
	if err == nil && (t.is("-") || t.is("+")) {
		p.arena = append(p.arena, t.text...)
		t, err = p.next()
	}
	if err == nil && t.kind != word {
		err = p.wrong(t)
	}
	p.arena = append(p.arena, t.text...)
	return err
}

// hex adds the bytes of 0x…, as --hex-blob writes them.
func (p *parser) hex() error {
	p.pos += 2
	begin := len(p.arena)
	for c := p.peek(); c >= 0 && isWordByte(byte(c)); c = p.peek() {
		if len(p.arena) >= maxRow {
			return errTooLong
		}
		p.arena = append(p.arena, byte(c))
		p.pos++
	}
	return p.decode(begin)
}

// decode turns the digits that were added from begin on into their bytes.
func (p *parser) decode(begin int) error {
	n, err := hex.Decode(p.arena[begin:], p.arena[begin:])
	if err != nil {
		return p.wrong(token{kind: word})
	}
	p.arena = p.arena[:begin+n]
	return nil
}

// coded adds the bytes of x'…' or the number of b'…'.
func (p *parser) coded(isHex bool) (err error) {
	begin := len(p.arena)
	if p.arena, err = p.quote(p.arena, maxRow); err != nil {
		return err
	}
	if isHex {
		return p.decode(begin)
	}
	n, err := strconv.ParseUint("0"+string(p.arena[begin:]), 2, 64)
	if err != nil {
		return errSyntax
	}
	p.arena = strconv.AppendUint(p.arena[:begin], n, 10)
	return nil
}
