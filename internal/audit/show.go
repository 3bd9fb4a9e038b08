package audit

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// How says in words how the actor came to act.
func (e Entry) How() string {
	switch e.Via {
	case ViaSelf:
		return "in one's own matters"
	case ViaMember:
		return "as one of the account's people"
	case ViaPartner:
		return "through partner account " + strconv.FormatInt(e.ViaID.V, 10)
	case ViaStaff:
		return "as staff"
	case ViaSystem:
		return "by itself"
	case ViaImport:
		return "in upgrade " + strconv.FormatInt(e.ViaID.V, 10)
	}
	return string(e.Via)
}

// Object says in words what it was done to.
func (e Entry) Object() string {
	label := e.ObjectKind
	for _, c := range Objects {
		if c.Key == e.ObjectKind {
			label = c.Label
		}
	}
	if !e.ObjectID.Valid {
		return label
	}
	return label + ", number " + strconv.FormatInt(e.ObjectID.V, 10)
}

// A Change is one thing that a record says of before and after.
type Change struct{ Name, Before, After string }

// Changes are what the record says of before and after, name by name.
func (e Entry) Changes() (list []Change) {
	before, ok1 := parts(e.Before)
	after, ok2 := parts(e.After)
	if !ok1 || !ok2 {
		return []Change{{"Before and after", e.Before, e.After}}
	}
	names := map[string]bool{}
	for name := range before {
		names[name] = true
	}
	for name := range after {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		label := strings.ReplaceAll(cmp.Or(fieldNames[name], name), "_", " ")
		list = append(list, Change{strings.ToUpper(label[:min(1, len(label))]) + label[min(1, len(label)):], shown(before[name]), shown(after[name])})
	}
	return list
}

// parts reads what a record keeps; nothing of nothing.
func parts(text string) (m map[string]any, ok bool) {
	if text == "" {
		return nil, true
	}
	return m, json.Unmarshal([]byte(text), &m) == nil
}

// shown is a value as people read it.
func shown(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case bool:
		if v {
			return "yes"
		}
		return "no"
	case []any:
		out := make([]string, len(v))
		for i := range v {
			out[i] = shown(v[i])
		}
		return strings.Join(out, ", ")
	case map[string]any:
		var out []string
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if value := shown(v[name]); value != "" {
				out = append(out, name+": "+value)
			}
		}
		return strings.Join(out, "; ")
	}
	return fmt.Sprint(v)
}
