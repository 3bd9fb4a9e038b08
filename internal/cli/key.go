package cli

import (
	"fmt"

	"clientele/internal/app"
	"clientele/internal/seal"
)

type keyCommands struct {
	Show   keyShow   `cmd:"" help:"Print the names of the keys in the secret key file, first the one that seals."`
	Rotate keyRotate `cmd:"" help:"Make a new secret key and seal everything anew with it. Cut off, it goes on when it is run again."`
	Prune  keyPrune  `cmd:"" help:"Drop old keys from the secret key file once nothing is sealed with them."`
	Lost   keyLost   `cmd:"" help:"Go on with another secret key after the right one is lost for good."`
}

type keyShow struct{}

// Run prints the keys' names. It makes no file.
func (keyShow) Run(sh *shell) error {
	key, err := seal.ReadKey(sh.settings.KeyFile)
	if err != nil {
		return err
	}
	does := "seals and opens"
	for _, name := range key.IDs() {
		fmt.Fprintf(sh.out, "%s  %s\n", name, does)
		does = "opens"
	}
	return nil
}

type keyRotate struct{}

// Run rotates.
func (keyRotate) Run(sh *shell) error {
	return sh.withKeys(false, func(k *app.Keys) error { return k.Rotate(sh.ctx) })
}

type keyPrune struct{}

// Run prunes.
func (keyPrune) Run(sh *shell) error {
	return sh.withKeys(false, func(k *app.Keys) error { return k.Prune(sh.ctx) })
}

type keyLost struct {
	Yes bool `help:"The key is lost: do it."`
}

// Run goes on without the lost key.
func (c keyLost) Run(sh *shell) error {
	return sh.withKeys(true, func(k *app.Keys) error { return k.GoOn(sh.ctx, c.Yes) })
}

// withKeys opens the secret key and the database for one command.
func (sh *shell) withKeys(lost bool, do func(*app.Keys) error) error {
	k, err := app.OpenKeys(sh.ctx, sh.settings, lost)
	if err != nil {
		return err
	}
	defer k.DB.Close()
	k.Say = func(line string) { fmt.Fprintln(sh.out, line) }
	return do(k)
}
