package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"
)

// A settingsFile is the flag that names a TOML file with settings: its keys
// are the names of the flags. What stands in a flag or in the environment
// goes before what stands in the file.
type settingsFile string

// BeforeResolve reads the file, before the settings that nobody has given yet
// are looked for in it.
func (settingsFile) BeforeResolve(ctx *kong.Context, trace *kong.Path) error {
	file, _ := ctx.FlagValue(trace.Flag).(settingsFile)
	if file == "" {
		return nil
	}
	values := map[string]any{}
	_, err := toml.DecodeFile(string(file), &values)
	var path *os.PathError
	switch {
	case errors.As(err, &path):
		return settingsError(fmt.Sprintf("the settings file %s cannot be read: %v; make it readable, or correct the path", file, path.Err))
	case err != nil:
		return settingsError(fmt.Sprintf("the settings file %s is no TOML: %s; each line is a name, an equals sign and a value in quotes", file, strings.TrimPrefix(err.Error(), "toml: ")))
	}
	for key, value := range values {
		switch value.(type) {
		case string, bool, []any, map[string]any:
		default:
			return settingsError(fmt.Sprintf("the settings file %s has %s = %v: write the value in quotes", file, key, value))
		}
	}
	ctx.AddResolver(tomlFile{string(file), values})
	return nil
}

// A settingsError is a file of settings that must be mended first. The call
// itself was right.
type settingsError string

func (e settingsError) Error() string { return string(e) }

type tomlFile struct {
	name   string
	values map[string]any
}

// Validate refuses keys that are no settings, since such a one is most likely
// a setting misspelt.
func (f tomlFile) Validate(a *kong.Application) error {
	known := map[string]bool{}
	for _, flag := range a.Flags {
		known[flag.Name] = flag.Name != "help" && flag.Name != "config"
	}
	for key := range f.values {
		if !known[dashed(key)] {
			return settingsError(fmt.Sprintf("the settings file %s has %q, which is no setting: correct the name, as clientele --help spells it, or remove the line", f.name, key))
		}
	}
	return nil
}

func dashed(key string) string { return strings.ReplaceAll(key, "_", "-") }

// Resolve finds a flag's value, unless the environment has it.
func (f tomlFile) Resolve(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if _, set := os.LookupEnv(name); set {
			return nil, nil
		}
	}
	for key, value := range f.values {
		if dashed(key) == flag.Name {
			return value, nil
		}
	}
	return nil, nil
}
