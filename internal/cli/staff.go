package cli

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"strings"

	"clientele/internal/mail"
)

type staffCommands struct {
	Add   staffAdd   `cmd:"" help:"Add an operator. The password is read from standard input, or made and printed once."`
	Reset staffReset `cmd:"" help:"For an operator who has lost her way in: print a link, once, by which she sets her password and second factor anew."`
}

type staffAdd struct {
	Address  string `arg:"" help:"Mail address to sign in with."`
	Name     string `required:"" help:"Name of the operator."`
	Role     string `default:"administrator" enum:"administrator,support,billing,readonly" help:"administrator, support, billing or readonly."`
	Password bool   `name:"password-stdin" help:"Read the password from the first line of standard input."`
}

// Run adds an operator.
func (c staffAdd) Run(sh *shell) error {
	address, err := mail.ParseAddress(c.Address)
	if err != nil {
		return err
	}
	password := rand.Text()
	if c.Password {
		line, err := bufio.NewReader(sh.in).ReadString('\n')
		if password = strings.TrimRight(line, "\r\n"); err != nil && password == "" {
			return fmt.Errorf("no password came on standard input: give one line")
		}
	}
	a, err := sh.open()
	if err != nil {
		return err
	}
	defer a.DB.Close()
	if _, err := a.Staff.Add(sh.ctx, address, c.Name, c.Role, password); err != nil {
		return err
	}
	fmt.Fprintf(sh.out, "%s may sign in at %s/staff/signin as %s.\n", address, sh.settings.Base, c.Role)
	if !c.Password {
		fmt.Fprintf(sh.out, "Password, shown this once: %s\n", password)
	}
	fmt.Fprintln(sh.out, "The first sign-in asks for a second factor to be set up: a passkey, or an authenticator app.")
	return nil
}

type staffReset struct {
	Address string `arg:"" help:"Mail address of the operator."`
}

// Run takes away what proves an operator, and prints the link by which she
// sets it anew.
func (c staffReset) Run(sh *shell) error {
	address, err := mail.ParseAddress(c.Address)
	if err != nil {
		return err
	}
	a, err := sh.open()
	if err != nil {
		return err
	}
	defer a.DB.Close()
	link, err := a.Staff.ResetAtServer(sh.ctx, address)
	if err != nil {
		return err
	}
	fmt.Fprintf(sh.out, "The password and second factors of %s work no more. With this link, once and within 24 hours, they are set anew:\n%s\n", address, link)
	return nil
}
