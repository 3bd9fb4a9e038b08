// Package id names the numbers that the product hands out, so that an
// account's number can never be passed where a user's is meant.
//
// Numbers are plain and say nothing: knowing one opens nothing. What must
// not be guessed (sessions, invitations, links) is a token, never an id.
package id

import (
	"errors"
	"strconv"
)

// A User is a person who signs in.
type User int64

// An Account is the billable party. Its number is printed on everything the
// account receives and never changes.
type Account int64

// A Membership ties one user to one account.
type Membership int64

// A Role is an account's own named set of permissions.
type Role int64

// An Invitation is an account's open question to an address.
type Invitation int64

// An Offer is ownership offered to a member.
type Offer int64

// A Contact is an address of an account that receives mail and never signs in.
type Contact int64

// A Group is what staff sort accounts into.
type Group int64

// A Field is one that the operator has added to accounts.
type Field int64

// A Note is what staff have noted down about an account.
type Note int64

// An Import is another system's database that was brought in.
type Import int64

// A Staff is an operator of the installation.
type Staff int64

// A StaffRole is a role of operators that the installation made itself.
type StaffRole int64

// A Session is the public number of a signed-in browser. It is safe to show:
// the secret that opens the session is a different random value.
type Session int64

// A Device is a browser that a person has signed in with.
type Device int64

// An Authenticator is an app that makes one-time codes.
type Authenticator int64

// A Passkey is a key of Web Authentication.
type Passkey int64

// A Provider is somebody else through whom people sign in.
type Provider int64

// An Identity is a person as a provider knows her.
type Identity int64

// A FactorReset is the removal of a second factor that was lost.
type FactorReset int64

// An Impersonation is an operator who looks at an account as one of its people.
type Impersonation int64

// An OwnerRecovery is an account's getting a new owner where its owners are
// gone.
type OwnerRecovery int64

// A Merge is one login brought into another of the same person.
type Merge int64

// A Mail is one message in the mail log.
type Mail int64

// A Number is any of the named numbers of this package.
type Number interface{ ~int64 }

var errNumber = errors.New("not a number of ours")

// Parse reads a number as it stands in an address: decimal digits, no sign,
// no leading zero, above zero. Every number has exactly one spelling, so that
// two addresses never name one thing.
func Parse[N Number](s string) (N, error) {
	if s == "" || len(s) > 18 || s[0] == '0' {
		return 0, errNumber
	}
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, errNumber
		}
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		return 0, errNumber
	}
	return N(n), nil
}

// String spells a number the way Parse reads it.
func String[N Number](n N) string { return strconv.FormatInt(int64(n), 10) }
