// Command gen bundles and minifies the style sheets of package ui into the one
// file that is embedded. Run it with go generate after changing css/*.css.
package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/evanw/esbuild/pkg/api"
)

func main() {
	css, err := bundle("css/app.css")
	if err == nil {
		err = os.WriteFile("assets/app.css", css, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// bundle follows the imports of the style sheet at entry. It lowers nothing:
// the browsers that know light-dark() know all else that is used.
func bundle(entry string) ([]byte, error) {
	out := api.Build(api.BuildOptions{
		EntryPoints:       []string{entry},
		Bundle:            true,
		MinifyWhitespace:  true,
		MinifySyntax:      true,
		MinifyIdentifiers: true,
		Engines: []api.Engine{
			{Name: api.EngineChrome, Version: "123"},
			{Name: api.EngineFirefox, Version: "125"},
			{Name: api.EngineSafari, Version: "17.5"},
		},
		Outfile: "app.css",
	})
	var errs []error
	for _, m := range append(out.Errors, out.Warnings...) {
		errs = append(errs, fmt.Errorf("%s: %s", place(m.Location), m.Text))
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return out.OutputFiles[0].Contents, nil
}

func place(l *api.Location) string {
	if l == nil {
		return "css"
	}
	return fmt.Sprintf("%s:%d", l.File, l.Line)
}
