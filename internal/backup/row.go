package backup

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"clientele/internal/db"
)

// odd is a value that JSON's text cannot hold: bytes, and text of the database
// that is no UTF-8.
type odd struct {
	Base64 []byte `json:"base64"`
}

// encode writes a row as one line.
func encode(row []any) ([]byte, error) {
	line := []byte{'['}
	for i, v := range row {
		if i > 0 {
			line = append(line, ',')
		}
		var err error
		if line, err = appendValue(line, v); err != nil {
			return nil, err
		}
	}
	return append(line, ']', '\n'), nil
}

func appendValue(line []byte, v any) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(line, "null"...), nil
	case int64:
		return strconv.AppendInt(line, v, 10), nil
	case bool:
		return strconv.AppendBool(line, v), nil
	case time.Time:
		return v.UTC().AppendFormat(line, `"`+time.RFC3339Nano+`"`), nil
	case []byte:
		return appendOdd(line, v), nil
	case string:
		if !utf8.ValidString(v) {
			return appendOdd(line, []byte(v)), nil
		}
		text, err := json.Marshal(v)
		return append(line, text...), err
	case float64:
		text, err := json.Marshal(v)
		return append(line, text...), err
	}
	return nil, fmt.Errorf("a value is a %T, which backups do not know", v)
}

func appendOdd(line, b []byte) []byte {
	line = append(line, `{"base64":"`...)
	return append(base64.StdEncoding.AppendEncode(line, b), `"}`...)
}

// decode reads a line as the values of the columns.
func decode(columns []db.Column, line []byte) ([]any, error) {
	var raw []json.RawMessage
	d := json.NewDecoder(bytes.NewReader(line))
	if err := d.Decode(&raw); err != nil {
		return nil, err
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("there is something behind the row")
	}
	if len(raw) != len(columns) {
		return nil, fmt.Errorf("the row has %d values for %d columns", len(raw), len(columns))
	}
	row := make([]any, len(raw))
	for i, c := range columns {
		var err error
		if row[i], err = value(c.Kind, raw[i]); err != nil {
			return nil, fmt.Errorf("%s: %w", c.Name, err)
		}
	}
	return row, nil
}

func value(kind string, raw json.RawMessage) (any, error) {
	if string(raw) == "null" {
		return nil, nil
	}
	if len(raw) > 0 && raw[0] == '{' {
		var o odd
		if err := json.Unmarshal(raw, &o); err != nil || kind == "bytes" {
			return o.Base64, err
		}
		return string(o.Base64), nil
	}
	switch kind {
	case "int":
		return as[int64](raw)
	case "float":
		return as[float64](raw)
	case "bool":
		return as[bool](raw)
	case "text":
		return as[string](raw)
	case "time":
		at, err := as[time.Time](raw)
		return at, err
	}
	return nil, fmt.Errorf("a column's kind is %q, which this release does not know", kind)
}

func as[T any](raw json.RawMessage) (T, error) {
	var v T
	err := json.Unmarshal(raw, &v)
	return v, err
}
