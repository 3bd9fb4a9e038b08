// Command clientele runs the client side of a hosting company: who the people
// are, which accounts they may enter, and what each account owns, owes and
// asks.
package main

import (
	"os"

	"clientele/internal/cli"
)

// version is set by the build.
var version = "dev"

func main() { os.Exit(cli.Run(os.Args[1:], version, os.Stdin, os.Stdout, os.Stderr)) }
