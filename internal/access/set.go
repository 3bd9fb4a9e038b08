package access

import (
	"fmt"
	"math/bits"
	"strings"

	"clientele/internal/fault"
	"clientele/internal/locale"
)

// A Set is a set of permissions, as the database keeps it.
type Set int64

// Everything is every permission there is.
var Everything = func() Set {
	var s Set
	for _, i := range All {
		s |= i.Set()
	}
	return s
}()

// Has reports whether all of the other set is in this one.
func (s Set) Has(other Set) bool { return s&other == other }

// Known is the set without the bits that this release does not know: they
// grant nothing.
func (s Set) Known() Set { return s & Everything }

// Closed adds what the permissions in the set cannot be used without.
func (s Set) Closed() Set {
	for {
		next := s
		for _, i := range All {
			if s.Has(i.Set()) {
				next |= i.needs
			}
		}
		if next == s {
			return s
		}
		s = next
	}
}

// Count is how many permissions are in the set.
func (s Set) Count() int { return bits.OnesCount64(uint64(s.Known())) }

// Infos lists the permissions in the set, in the order of All.
func (s Set) Infos() []Info {
	var out []Info
	for _, i := range All {
		if s.Has(i.Set()) {
			out = append(out, i)
		}
	}
	return out
}

// Keys lists the keys of the permissions in the set.
func (s Set) Keys() []string {
	out := []string{}
	for _, i := range s.Infos() {
		out = append(out, i.Key)
	}
	return out
}

// Labels says the set in words, for a mail or a page.
func (s Set) Labels() string { return s.Text().In(locale.Words{}) }

// Text is Labels for mail.
func (s Set) Text() locale.Text {
	var out []locale.Text
	for _, i := range s.Infos() {
		out = append(out, locale.Label(i.Label))
	}
	if len(out) == 0 {
		return locale.T("Nothing but receiving notifications")
	}
	return locale.List(out...)
}

func (s Set) String() string { return strings.Join(s.Keys(), " ") }

// ParseSet reads permission keys as a form sends them. Keys that are none of
// ours are refused, never ignored.
func ParseSet(keys []string) (Set, error) {
	var s Set
	for _, key := range keys {
		i, ok := byKey[key]
		if !ok {
			return 0, &fault.Error{Code: fault.Invalid, Reason: "unknown-permission", Text: fmt.Sprintf("%.40q is no permission. Choose from the list.", key)}
		}
		s |= i.Set()
	}
	return s, nil
}

var byKey = func() map[string]Info {
	m := map[string]Info{}
	for _, i := range All {
		m[i.Key] = i
	}
	return m
}()

// WHMCS lists the keys of the WHMCS-compatible API that the set amounts to. A
// key is listed only where all of its permissions are held, so that it never
// says more than is true.
func (s Set) WHMCS() []string {
	out := []string{}
	for _, key := range whmcsKeys {
		if s.Has(FromWHMCS(key)) {
			out = append(out, key)
		}
	}
	return out
}

// FromWHMCS is what a key of WHMCS grants; nothing where it is unknown.
func FromWHMCS(key string) Set {
	var s Set
	for _, i := range All {
		if key != "" && i.WHMCS == key {
			s |= i.Set()
		}
	}
	return s
}

// whmcsKeys are WHMCS's thirteen, in its order.
var whmcsKeys = []string{
	"profile", "contacts", "products", "manageproducts", "productsso", "domains", "managedomains",
	"invoices", "quotes", "tickets", "affiliates", "emails", "orders",
}

// PermissionByKey finds a permission.
func PermissionByKey(key string) (Info, bool) {
	for _, i := range All {
		if i.Key == key {
			return i, true
		}
	}
	return Info{}, false
}
