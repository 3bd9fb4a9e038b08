package mail

import (
	"database/sql/driver"
	"fmt"
	"strings"
	"unicode/utf8"

	"clientele/internal/fault"

	"golang.org/x/net/idna"
	"golang.org/x/text/unicode/norm"
)

// An Address is one mail address in its one canonical spelling: the ASCII
// lower case of the local part, and the domain as A-labels (IDNA 2008). Mail
// goes to this spelling and never to what somebody typed. Full stops and
// +tags count. Its zero value is no address.
type Address struct{ text string }

// MaxAddress is the longest address that SMTP carries (RFC 5321 §4.5.3.1.3).
const MaxAddress = 254

// Nowhere ends the addresses that stand for nobody and get no mail (RFC 2606).
const Nowhere = ".invalid"

// IsNowhere reports whether the address stands for nobody.
func (a Address) IsNowhere() bool { return strings.HasSuffix(a.text, Nowhere) }

// Shown is the address as pages show it, and in words where it stands for
// nobody.
func (a Address) Shown() string {
	if a.IsNowhere() {
		return "No address known"
	}
	return a.text
}

var domains = idna.New(
	idna.MapForLookup(), idna.BidiRule(), idna.ValidateLabels(true), idna.StrictDomainName(true), idna.VerifyDNSLength(true), idna.Transitional(false),
)

// ParseAddress reads exactly one bare address, name@domain. Anything that
// could be read as two, or as something around an address, is refused with a
// sentence that says how to mend it.
func ParseAddress(s string) (Address, error) {
	s = strings.Trim(s, " \t")
	switch {
	case s == "":
		return Address{}, bad("Enter a mail address.")
	case len(s) > 1024 || utf8.RuneCountInString(s) > MaxAddress:
		return Address{}, bad("This is too long to be a mail address.")
	case strings.ContainsAny(s, ",;") || strings.Count(s, "@") > 1 || strings.ContainsAny(s, " \t\r\n"):
		return Address{}, bad("Enter one address only, like name@example.com.")
	}
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || domain == "" {
		return Address{}, bad("This is no mail address. It should look like name@example.com.")
	}
	if err := checkLocal(local); err != nil {
		return Address{}, err
	}
	domain, err := canonicalDomain(domain)
	if err != nil {
		return Address{}, err
	}
	text := lowerASCII(local) + "@" + domain
	if len(text) > MaxAddress {
		return Address{}, bad("This is too long to be a mail address.")
	}
	return Address{text}, nil
}

// checkLocal lets the dot-atom of RFC 5321 through and nothing quoted: a
// quoted local part can hold nearly anything, and nobody has one.
func checkLocal(local string) error {
	if len(local) > 64 {
		return bad("The part before the @ is too long.")
	}
	for _, r := range local {
		if r > 0x7e {
			return bad("The part before the @ has a character that mail addresses cannot have. Use plain letters and digits.")
		}
		if !isAtom(byte(r)) && r != '.' {
			return bad("The part before the @ has a character that mail addresses cannot have.")
		}
	}
	if strings.HasPrefix(local, ".") || strings.HasSuffix(local, ".") || strings.Contains(local, "..") {
		return bad("A full stop stands in the wrong place before the @.")
	}
	return nil
}

func isAtom(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("!#$%&'*+-/=?^_`{|}~", c) >= 0
}

func canonicalDomain(domain string) (string, error) {
	wrong := bad("The part after the @ is no domain. It should look like example.com.")
	if norm.NFKC.String(domain) != domain || strings.HasPrefix(domain, "[") {
		return "", wrong
	}
	a, err := domains.ToASCII(domain)
	if err != nil || a == "" || strings.HasSuffix(a, ".") {
		return "", wrong
	}
	// Whatever the mapping changed beyond upper case was written to deceive.
	if u, err := domains.ToUnicode(a); !isASCII(domain) && (err != nil || u != strings.ToLower(domain)) {
		return "", wrong
	}
	a = lowerASCII(a)
	labels := strings.Split(a, ".")
	top := labels[len(labels)-1]
	if len(labels) < 2 || strings.Trim(top, "0123456789") == "" {
		return "", wrong
	}
	return a, nil
}

// lowerASCII lowers A to Z and nothing else: the library's ToLower turns a
// Kelvin sign into a k.
func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r > 0x7e })
}

// String is the canonical spelling.
func (a Address) String() string { return a.text }

// IsZero reports whether there is no address.
func (a Address) IsZero() bool { return a.text == "" }

// Local is the part before the @, Domain the one after it.
func (a Address) Local() string { s, _, _ := strings.Cut(a.text, "@"); return s }

// Domain is the part after the @, as A-labels.
func (a Address) Domain() string { _, s, _ := strings.Cut(a.text, "@"); return s }

// Masked shows an address to somebody who may know that it exists but not
// what it is: n•••@example.com.
func (a Address) Masked() string {
	if a.IsZero() {
		return ""
	}
	return a.text[:1] + "•••@" + a.Domain()
}

// Value stores the address.
func (a Address) Value() (driver.Value, error) { return a.text, nil }

// Scan reads a stored address as it stands.
func (a *Address) Scan(v any) error {
	switch v := v.(type) {
	case string:
		a.text = v
	case []byte:
		a.text = string(v)
	case nil:
		a.text = ""
	default:
		return fmt.Errorf("mail: an address cannot be read from %T", v)
	}
	return nil
}

func bad(text string) error { return &fault.Error{Code: fault.Invalid, Reason: "address", Text: text} }
