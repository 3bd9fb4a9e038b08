package whmcs

import (
	"bytes"
	"context"
	"errors"
	"io"
	"regexp"
	"strings"
)

const (
	chunk   = 256 << 10 // bytes of the file that are held at once
	maxRow  = 64 << 20  // bytes of one row's values; WHMCS's texts are at most 16 MB
	maxWord = 1 << 10   // bytes of one word or name; MySQL's names have at most 64 characters
)

// What a file can do wrong. The place is added by whoever knows it.
var (
	errEnds    = errors.New("the file ends there")
	errTooLong = errors.New("a value is longer than any that WHMCS keeps")
	errSyntax  = errors.New("that is not what mysqldump and mariadb-dump write")
)

// A kind says what a token is.
type kind byte

const (
	atEnd  kind = iota // nothing follows
	word               // a bare word or number
	quoted             // a name or a text in quotes
	sign               // one other character
)

// A token is the next thing in a dump. Its text is good until the next one.
type token struct {
	kind kind
	text []byte
}

func (t token) is(s string) bool { return t.kind == sign && string(t.text) == s }

func (t token) says(s string) bool { return t.kind == word && bytes.EqualFold(t.text, []byte(s)) }

// A tokenizer takes SQL text apart as mysqldump and mariadb-dump write it. It
// holds one chunk of the file and the text of one token.
type tokenizer struct {
	ctx      context.Context
	r        io.Reader
	buf      []byte
	pos, end int
	base     int64 // where in the unpacked file the buffer begins
	err      error // why no more can be read, io.EOF at the end
	text     []byte
	begun    bool            // a dump's first comment was seen
	finished bool            // and since then its last
	open     map[string]bool // settings that were put by and not restored
}

func newTokenizer(ctx context.Context, r io.Reader) *tokenizer {
	return &tokenizer{ctx: ctx, r: r, buf: make([]byte, chunk), open: map[string]bool{}}
}

// offset is how many bytes of the unpacked file have been used.
func (t *tokenizer) offset() int64 { return t.base + int64(t.pos) }

// look answers the next n bytes, or as many as there are, without using them.
func (t *tokenizer) look(n int) []byte {
	for t.end-t.pos < n && t.err == nil {
		copy(t.buf, t.buf[t.pos:t.end])
		t.base += int64(t.pos)
		t.pos, t.end = 0, t.end-t.pos
		if t.err = t.ctx.Err(); t.err != nil {
			break
		}
		var got int
		got, t.err = t.r.Read(t.buf[t.end:])
		t.end += got
	}
	return t.buf[t.pos:min(t.end, t.pos+n)]
}

// peek is the next byte, or -1 at the end.
func (t *tokenizer) peek() int {
	if t.pos < t.end {
		return int(t.buf[t.pos])
	}
	if b := t.look(1); len(b) > 0 {
		return int(b[0])
	}
	return -1
}

// ended is why there is nothing more where something must follow.
func (t *tokenizer) ended() error {
	if t.err == nil || errors.Is(t.err, io.EOF) || errors.Is(t.err, io.ErrUnexpectedEOF) {
		return errEnds
	}
	return t.err
}

// next takes the next token.
func (t *tokenizer) next() (token, error) {
	if err := t.space(); err != nil {
		return token{}, err
	}
	c := t.peek()
	switch {
	case c < 0 && t.ended() != errEnds:
		return token{}, t.err
	case c < 0:
		return token{}, nil
	case c == '`' || c == '\'' || c == '"':
		var err error
		t.text, err = t.quote(t.text[:0], maxRow)
		return token{quoted, t.text}, err
	case isWordByte(byte(c)):
		err := t.word()
		return token{word, t.text}, err
	}
	t.text = append(t.text[:0], byte(c))
	t.pos++
	return token{sign, t.text}, nil
}

func isWordByte(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c == '_' || c == '$' || c == '.' || c >= 0x80
}

// word takes bytes as long as they belong to a word.
func (t *tokenizer) word() error {
	t.text = t.text[:0]
	for c := t.peek(); c >= 0 && isWordByte(byte(c)); c = t.peek() {
		if len(t.text) == maxWord {
			return errSyntax
		}
		t.text = append(t.text, byte(c))
		t.pos++
	}
	return nil
}

// quote adds to dst what stands in quotes here, without them and with its
// escapes resolved, as long as dst has at most so many bytes.
func (t *tokenizer) quote(dst []byte, most int) ([]byte, error) {
	err := t.parts(func(part []byte) error {
		if len(dst)+len(part) > most {
			return errTooLong
		}
		dst = append(dst, part...)
		return nil
	})
	return dst, err
}

// parts goes through what stands in quotes here, part by part.
func (t *tokenizer) parts(visit func([]byte) error) error {
	mark := t.buf[t.pos]
	t.pos++
	for {
		if t.peek() < 0 {
			return t.ended()
		}
		part := t.buf[t.pos:t.end]
		i := indexOf(part, mark)
		if i < 0 {
			i = len(part)
		}
		t.pos += i
		if err := visit(part[:i]); err != nil {
			return err
		}
		if i == len(part) {
			continue
		}
		part, over, err := t.special(mark)
		if err != nil || over {
			return err
		}
		if err := visit(part); err != nil {
			return err
		}
	}
}

// indexOf finds the first quote or backslash.
func indexOf(b []byte, mark byte) int {
	for i, c := range b {
		if c == mark || c == '\\' {
			return i
		}
	}
	return -1
}

// special reads the quote or the backslash that stands here, and tells whether
// the text is over with it.
func (t *tokenizer) special(mark byte) (part []byte, over bool, err error) {
	two := t.look(2)
	if len(two) == 1 {
		t.pos++
		if two[0] == '\\' || t.ended() != errEnds {
			return nil, false, t.ended()
		}
		return nil, true, nil
	}
	first, second := two[0], two[1]
	switch {
	case first == mark && second != mark:
		t.pos++
		return nil, true, nil
	case first == mark:
		t.pos += 2
		return []byte{mark}, false, nil
	case mark == '`':
		t.pos++ // a name has no escapes
		return []byte{first}, false, nil
	}
	t.pos += 2
	if c, ok := escapes[second]; ok {
		return []byte{c}, false, nil
	}
	if second == '%' || second == '_' { // kept as they are, for patterns
		return []byte{first, second}, false, nil
	}
	return []byte{second}, false, nil
}

// escapes are the letters that mean another byte after a backslash.
var escapes = map[byte]byte{'0': 0, 'b': '\b', 'n': '\n', 'r': '\r', 't': '\t', 'Z': 26}

// space passes over blanks and comments. What stands in a comment for certain
// versions only, like /*!40101 … */, is for servers and not for us.
func (t *tokenizer) space() error {
	for {
		switch c := t.peek(); c {
		case ' ', '\t', '\n', '\r':
			t.pos++
		case '#', '-', '/':
			if ok, err := t.comment(); err != nil || !ok {
				return err
			}
		default:
			return nil
		}
	}
}

// comment passes over the comment that begins here, if one does.
func (t *tokenizer) comment() (bool, error) {
	three := t.look(3)
	switch {
	case three[0] == '#':
		t.line()
		return true, nil
	case bytes.HasPrefix(three, []byte("/*")):
		t.pos += 2
		return true, t.block()
	case bytes.HasPrefix(three, []byte("--")) && (len(three) == 2 || three[2] <= ' '):
		t.marks(t.line())
		return true, nil
	}
	return false, nil
}

// marks notes the comments that begin and end a dump.
func (t *tokenizer) marks(line []byte) {
	for _, program := range []string{"-- MySQL dump", "-- MariaDB dump"} {
		if bytes.HasPrefix(line, []byte(program)) {
			t.begun, t.finished = true, false
		}
	}
	if bytes.HasPrefix(line, []byte("-- Dump completed")) {
		t.finished = true
	}
}

// block passes over the rest of a comment that ends with a star and a slash.
func (t *tokenizer) block() error {
	for t.text = t.text[:0]; ; t.pos++ {
		two := t.look(2)
		if len(two) < 2 {
			t.pos += len(two)
			return t.ended()
		}
		if two[0] == '*' && two[1] == '/' {
			t.pos += 2
			t.settings(t.text)
			return nil
		}
		if len(t.text) < 200 {
			t.text = append(t.text, two[0])
		}
	}
}

// oldSetting finds the settings of the server that a dump puts by, in
// comments for it, and restores at its end.
var oldSetting = regexp.MustCompile(`(?i)@OLD_(\w+)(\s*:?=)?`)

// settings notes which settings are put by, and which are restored.
func (t *tokenizer) settings(comment []byte) {
	if len(comment) == 0 || comment[0] != '!' && comment[0] != 'M' {
		return
	}
	for _, found := range oldSetting.FindAllSubmatch(comment, -1) {
		if name := strings.ToUpper(string(found[1])); len(found[2]) > 0 {
			t.open[name] = true
		} else {
			delete(t.open, name)
		}
	}
}

// line passes over the rest of the line and answers its beginning.
func (t *tokenizer) line() []byte {
	t.text = t.text[:0]
	for c := t.peek(); c >= 0; c = t.peek() {
		t.pos++
		if c == '\n' {
			break
		}
		if len(t.text) < 80 {
			t.text = append(t.text, byte(c))
		}
	}
	return t.text
}

// plainBytes are those that mean nothing to skip.
var plainBytes = func() (plain [256]bool) {
	for c := range plain {
		plain[c] = !bytes.ContainsRune([]byte("'\"`;#-/"), rune(c))
	}
	return plain
}()

// skip passes over the rest of the statement.
func (t *tokenizer) skip() error {
	for t.peek() >= 0 {
		for t.pos < t.end && plainBytes[t.buf[t.pos]] {
			t.pos++
		}
		if t.pos == t.end {
			continue
		}
		switch t.buf[t.pos] {
		case ';':
			t.pos++
			return nil
		case '\'', '"', '`':
			if err := t.parts(func([]byte) error { return nil }); err != nil {
				return err
			}
		default:
			if ok, err := t.comment(); err != nil {
				return err
			} else if !ok {
				t.pos++
			}
		}
	}
	return t.ended()
}

// foreign passes over what stands between two lines that begin with DELIMITER:
// triggers and procedures, in which a semicolon ends nothing.
func (t *tokenizer) foreign() error {
	const keyword = "DELIMITER"
	for set := t.line(); ; {
		if string(bytes.TrimSpace(set)) == ";" {
			return nil
		}
		if t.peek() < 0 {
			return t.ended()
		}
		if line := t.line(); len(line) > len(keyword) && bytes.EqualFold(line[:len(keyword)], []byte(keyword)) {
			set = line[len(keyword):]
		}
	}
}
