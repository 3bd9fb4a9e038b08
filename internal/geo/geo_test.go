package geo

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/maxmind/mmdbwriter"
	"github.com/maxmind/mmdbwriter/mmdbtype"
)

func named(name string) mmdbtype.Map {
	return mmdbtype.Map{"names": mmdbtype.Map{"en": mmdbtype.String(name), "de": mmdbtype.String("etwas")}}
}

// file is a file of places of one kind, as MaxMind and DB-IP make them.
func file(t *testing.T, kind string) []byte {
	t.Helper()
	tree, err := mmdbwriter.New(mmdbwriter.Options{DatabaseType: kind, BuildEpoch: 1})
	if err != nil {
		t.Fatal(err)
	}
	for network, record := range map[string]mmdbtype.Map{
		"2.125.160.0/24": {"city": named("Berlin"), "country": named("Germany")},
		"2a02:d0c0::/32": {"city": named("Lisbon"), "country": named("Portugal")},
		"81.2.69.0/24":   {"country": named("Ireland")},
		"81.2.70.0/24":   {"city": named("Nowhere")},
		"81.2.71.0/24":   {"city": named("Ber\nlin\x1b[31m"), "country": named("Germany")},
		"81.2.72.0/24":   {"continent": named("Europe")},
		"81.2.73.0/24":   {"country": mmdbtype.Map{"names": mmdbtype.String("not a map")}},
	} {
		_, n, err := net.ParseCIDR(network)
		if err != nil {
			t.Fatal(err)
		}
		if err := tree.Insert(n, record); err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if _, err := tree.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func write(t *testing.T, data []byte) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "places.mmdb")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestPlacesOfAddresses(t *testing.T) {
	places, err := Open(write(t, file(t, "GeoLite2-City")))
	if err != nil {
		t.Fatal(err)
	}
	for address, want := range map[string]string{
		"2.125.160.9":        "Berlin, Germany",
		"::ffff:2.125.160.9": "Berlin, Germany",
		"2a02:d0c0::1":       "Lisbon, Portugal",
		"81.2.69.142":        "Ireland",
		"81.2.70.1":          "",
		"81.2.71.1":          "Germany",
		"81.2.72.1":          "",
		"81.2.73.1":          "",
		"8.8.8.8":            "",
		"127.0.0.1":          "this computer",
		"127.8.0.1":          "this computer",
		"::1":                "this computer",
		"10.1.2.3":           "a private network",
		"172.16.0.1":         "a private network",
		"192.168.1.1":        "a private network",
		"::ffff:10.0.0.1":    "a private network",
		"169.254.0.9":        "a private network",
		"100.64.3.4":         "a private network",
		"fd00::1":            "a private network",
		"fe80::1%eth0":       "a private network",
		"0.0.0.0":            "",
		"":                   "",
		"fixture":            "",
		"2.125.160.9:443":    "",
	} {
		if got := places.Of(address); got != want {
			t.Errorf("Of(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestWithoutAFile(t *testing.T) {
	places, err := Open("")
	if places != nil || err != nil {
		t.Fatalf("Open = %v, %v", places, err)
	}
	for address, want := range map[string]string{"2.125.160.9": "", "127.0.0.1": "this computer", "10.0.0.1": "a private network"} {
		if got := places.Of(address); got != want {
			t.Errorf("Of(%q) = %q, want %q", address, got, want)
		}
	}
}

func TestKindsOfFiles(t *testing.T) {
	for _, kind := range []string{"GeoLite2-City", "GeoIP2-Country", "DBIP-City-Lite", "DBIP-Country-Lite", "DBIP-Location (compat=Enterprise)"} {
		if _, err := Open(write(t, file(t, kind))); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
	}
	_, err := Open(write(t, file(t, "GeoLite2-ASN")))
	if err == nil || !strings.Contains(err.Error(), `is of the kind "GeoLite2-ASN", which has no places`) {
		t.Errorf("a file without places: %v", err)
	}
}

func TestFilesThatAreNotFit(t *testing.T) {
	whole := file(t, "GeoLite2-City")
	for name, data := range map[string][]byte{"cut off": whole[:len(whole)/2], "empty": nil, "text": []byte("This is no file of places."), "packed": {0x1f, 0x8b, 8, 0}} {
		if _, err := Open(write(t, data)); err == nil || !strings.Contains(err.Error(), "download it again") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "none.mmdb")); err == nil || !strings.Contains(err.Error(), "CLIENTELE_GEO_FILE names a file that cannot be read") {
		t.Errorf("missing: %v", err)
	}
	if _, err := Open(t.TempDir()); err == nil || !strings.Contains(err.Error(), "correct the path") {
		t.Errorf("a folder: %v", err)
	}
}

// TestDamageInTheMiddleIsNoPlace writes over each stretch of the file in turn:
// whatever opens still must answer something, and never fall over.
func TestDamageInTheMiddleIsNoPlace(t *testing.T) {
	whole := file(t, "GeoLite2-City")
	for i := 0; i+16 <= len(whole); i += 16 {
		damaged := bytes.Clone(whole)
		copy(damaged[i:], bytes.Repeat([]byte{0xff}, 16))
		places, err := Open(write(t, damaged))
		if err != nil {
			continue
		}
		for _, address := range []string{"2.125.160.9", "2a02:d0c0::1", "81.2.69.142", "8.8.8.8"} {
			places.Of(address)
		}
	}
}
