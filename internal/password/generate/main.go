// Command generate writes common.bloom, the filter of passwords that nobody
// may choose, from lists of them:
//
//	go run ./generate [-lists FOLDER]
//
// It runs in the folder of the package password. Without a folder, it only
// checks that the filter knows every password of common.txt, the list that is
// kept beside it. With one, it makes the filter anew from common.txt and every
// file in the folder: .json is an array of passwords, as passwords.json in
// @zxcvbn-ts/language-common 4.1.3 (MIT, see common.license.txt), which the
// committed filter is made of; anything else is passwords with white space between them.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/bits-and-blooms/bloom/v3"
	"golang.org/x/text/unicode/norm"
)

const (
	filter        = "common.bloom"
	own           = "common.txt"
	shortest      = 6    // characters: shorter ones are no part of a long password worth knowing
	falsePositive = 1e-5 // of the passwords that are not in the lists, for each form that is looked up
)

func main() {
	lists := flag.String("lists", "", "folder with lists of passwords")
	flag.Parse()
	run := check
	if *lists != "" {
		run = func() error { return write(*lists) }
	}
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

// check looks every password of our own list up.
func check() error {
	data, err := os.ReadFile(filter)
	if err != nil {
		return err
	}
	f := new(bloom.BloomFilter)
	if _, err := f.ReadFrom(bytes.NewReader(data)); err != nil {
		return err
	}
	words, err := read(own)
	for _, w := range words {
		if !f.TestString(w) {
			return fmt.Errorf("%s does not know %q of %s: make it anew with -lists", filter, w, own)
		}
	}
	return err
}

// write makes the filter. The same lists give the same bytes.
func write(folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*"))
	if err != nil {
		return err
	}
	all := map[string]bool{}
	for _, file := range append(files, own) {
		words, err := read(file)
		if err != nil {
			return err
		}
		for _, w := range words {
			if w = strings.ToLower(norm.NFC.String(w)); utf8.RuneCountInString(w) >= shortest {
				all[w] = true
			}
		}
	}
	f := bloom.NewWithEstimates(uint(len(all)), falsePositive)
	for w := range all {
		f.AddString(w)
	}
	var out bytes.Buffer
	if _, err := f.WriteTo(&out); err != nil {
		return err
	}
	fmt.Printf("%d passwords in %d bytes\n", len(all), out.Len())
	return os.WriteFile(filter, out.Bytes(), 0o644)
}

// read reads a list.
func read(file string) (words []string, err error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if filepath.Ext(file) == ".json" {
		return words, json.Unmarshal(data, &words)
	}
	return strings.Fields(string(data)), nil
}
