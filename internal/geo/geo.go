// Package geo tells about where an address on the Internet is, so that a
// person knows her own sessions again. It reads a file that the operator has
// got (MaxMind's GeoLite2 or DB-IP's Lite, by city or by country) and asks
// nobody. What it says is a guess for people's eyes: nothing may depend on it.
package geo

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"clientele/internal/plain"

	maxminddb "github.com/oschwald/maxminddb-golang/v2"
)

// Places is a file of places, open. A nil one knows only what needs no file.
type Places struct{ file *maxminddb.Reader }

// Words for addresses that are nowhere on the Internet.
const (
	here    = "this computer"
	private = "a private network"
)

// shared is what providers put many customers behind (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// Open reads a file in MaxMind's format (.mmdb) into memory, whole: replacing
// it under a running server harms nothing, and is seen at the next start.
// Without a path there is no file and no error.
func Open(path string) (*Places, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("CLIENTELE_GEO_FILE names a file that cannot be read: %w; make it readable, or correct the path", err)
	}
	file, err := maxminddb.OpenBytes(data)
	if err != nil {
		return nil, fmt.Errorf("the file %s in CLIENTELE_GEO_FILE is damaged, or no file of places: download it again, unpacked and in the format .mmdb", path)
	}
	if !hasPlaces(file.Metadata.DatabaseType) {
		return nil, errors.Join(fmt.Errorf("the file %s in CLIENTELE_GEO_FILE is of the kind %q, which has no places: take one by city or by country, like GeoLite2-City", path, file.Metadata.DatabaseType), file.Close())
	}
	return &Places{file}, nil
}

// hasPlaces goes by the kind that files name themselves, like GeoLite2-City,
// DBIP-Country-Lite or DBIP-Location (compat=Enterprise).
func hasPlaces(kind string) bool {
	for _, word := range []string{"City", "Country", "Enterprise", "Location"} {
		if strings.Contains(kind, word) {
			return true
		}
	}
	return false
}

// Of tells where an address is, in English: "Berlin, Germany", "Germany",
// "this computer" or "a private network". It answers nothing where it does
// not know, also for what is no address.
func (p *Places) Of(address string) string {
	a, err := netip.ParseAddr(address)
	if err != nil {
		return ""
	}
	a = a.Unmap().WithZone("")
	switch {
	case a.IsLoopback():
		return here
	case a.IsPrivate(), a.IsLinkLocalUnicast(), shared.Contains(a):
		return private
	case p == nil:
		return ""
	}
	return p.look(a)
}

// names are what one thing is called, by language.
type names struct {
	Names map[string]string `maxminddb:"names"`
}

// english is the name, if there is a printable one.
func (n names) english() string {
	line, err := plain.Line(n.Names["en"], plain.NameLength)
	if err != nil {
		return ""
	}
	return line
}

func (p *Places) look(a netip.Addr) string {
	var found struct {
		City    names `maxminddb:"city"`
		Country names `maxminddb:"country"`
	}
	if err := p.file.Lookup(a).Decode(&found); err != nil {
		return ""
	}
	city, country := found.City.english(), found.Country.english()
	if city == "" || country == "" {
		return country
	}
	return city + ", " + country
}
