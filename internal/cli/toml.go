package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"
)

// readTOML reads settings from a TOML file: its keys are the names of the
// flags. A key that is no setting is an error, since it is most likely a
// setting misspelt.
func readTOML(r io.Reader) (kong.Resolver, error) {
	values := map[string]any{}
	if _, err := toml.NewDecoder(r).Decode(&values); err != nil {
		return nil, fmt.Errorf("the settings file is no TOML: %w", err)
	}
	return tomlFile(values), nil
}

type tomlFile map[string]any

// Validate refuses keys that are no settings.
func (f tomlFile) Validate(a *kong.Application) error {
	known := map[string]bool{}
	for _, flag := range a.Flags {
		known[flag.Name] = true
	}
	for key := range f {
		if !known[strings.ReplaceAll(key, "_", "-")] {
			return fmt.Errorf("the settings file has %q, which is no setting", key)
		}
	}
	return nil
}

// Resolve finds a flag's value.
func (f tomlFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, key := range []string{flag.Name, strings.ReplaceAll(flag.Name, "-", "_")} {
		if v, ok := f[key]; ok {
			return v, nil
		}
	}
	return nil, nil
}
