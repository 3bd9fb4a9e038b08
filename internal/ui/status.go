package ui

import "strings"

// kindClass is the class that carries the colour of a kind.
func kindClass(k Kind) string {
	if k == Plain {
		return "is-plain"
	}
	return "is-" + string(k)
}

// role tells screen readers how urgent a message is.
func (k Kind) role() string {
	if k == Warn || k == Bad {
		return "alert"
	}
	return "status"
}

// icon is the shape that goes with a kind, for those who see no colour.
func (k Kind) icon() string {
	switch k {
	case Good:
		return "check"
	case Warn, Bad:
		return "warn"
	}
	return "info"
}

// statusKind is how an account's status looks.
func statusKind(status string) Kind {
	switch strings.ToLower(status) {
	case "active":
		return Good
	case "suspended", "pending":
		return Warn
	case "closed":
		return Bad
	}
	return Plain
}

// unusual reports whether a status is worth showing where room is short.
func unusual(status string) bool {
	return status != "" && !strings.EqualFold(status, "active")
}
