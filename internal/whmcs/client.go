package whmcs

import (
	"bytes"
	"context"
	"encoding/json"
	"iter"
	"time"
)

// A Client is a row of tblclients: who pays, and until 7.10 also who signs in.
type Client struct {
	ID   int64
	UUID string
	Address
	Status       string // Active, Inactive or Closed
	Language     string // an English name in small letters; empty is the usual one
	Currency     int64  // Currency.ID
	Group        int64  // Group.ID; 0 is none
	TaxExempt    bool
	Notes        string // of staff; several lines
	Mail         Preferences
	Marketing    bool // wants to hear of offers
	Verified     bool // has answered a mail to the address
	Created      time.Time
	Updated      time.Time
	LastLogin    time.Time
	LastIP       string
	Password     string // the hash; empty from 8.0 on
	SecondFactor string // what she signs in with beside it: totp, yubico, duosecurity …; empty is nothing
}

// An Address is what clients and contacts have in common: who it is, and where.
type Address struct {
	FirstName, LastName, Company string
	Email                        string
	Address1, Address2           string
	City, State, Postcode        string
	Country                      string // two letters
	Phone                        string
	TaxID                        string // since 7.7
}

// Preferences say which mail somebody gets.
type Preferences struct {
	General, Invoice, Support, Product, Domain, Affiliate bool
}

// everyMail is what clients get who were never asked.
var everyMail = Preferences{true, true, true, true, true, true}

// Clients yields tblclients.
func (r *Reader) Clients(ctx context.Context) iter.Seq2[Client, error] {
	return read(ctx, r, "tblclients", func(f *fields) Client {
		return Client{
			ID: f.row.ID, UUID: f.line("uuid"), Address: f.postal(),
			Status: f.line("status"), Language: f.line("language"), Currency: f.number("currency"), Group: f.number("groupid"),
			TaxExempt: f.flag("taxexempt"), Notes: f.text("notes"),
			Mail: f.preferences("email_preferences"), Marketing: f.marketing(), Verified: f.flag("email_verified"),
			Created: f.created(), Updated: f.time("updated_at"), LastLogin: f.time("lastlogin"), LastIP: f.line("ip"),
			Password: f.hash("password"), SecondFactor: f.line("authmodule"),
		}
	})
}

func (f *fields) postal() Address {
	return Address{
		FirstName: f.name("firstname"), LastName: f.name("lastname"), Company: f.name("companyname"), Email: f.address("email"),
		Address1: f.name("address1"), Address2: f.name("address2"), City: f.name("city"), State: f.name("state"),
		Postcode: f.name("postcode"), Country: f.line("country"), Phone: f.name("phonenumber"), TaxID: f.name("tax_id"),
	}
}

// created is the moment where it is known, and the day where only that is.
func (f *fields) created() time.Time {
	at := f.time("created_at")
	if day := f.time("datecreated"); at.IsZero() {
		return day
	}
	return at
}

// marketing is asked for since 7.7; before, clients could refuse.
func (f *fields) marketing() bool {
	if _, ok := f.places["marketing_emails_opt_in"]; ok {
		return f.flag("marketing_emails_opt_in")
	}
	return !f.flag("emailoptout")
}

// preferences reads the JSON of six switches, each true, 1 or "1". Those that
// are not there are on.
func (f *fields) preferences(column string) Preferences {
	raw := bytes.TrimSpace(f.value(column))
	if len(raw) == 0 {
		return everyMail
	}
	var by map[string]any
	if json.Unmarshal(raw, &by) != nil {
		f.tell(column, BadSettings)
		return everyMail
	}
	on := func(key string) bool {
		v, ok := by[key]
		return !ok || v == true || v == 1.0 || v == "1" || v == "true" || v == "on"
	}
	return Preferences{on("general"), on("invoice"), on("support"), on("product"), on("domain"), on("affiliate")}
}

// A Group is a row of tblclientgroups.
type Group struct {
	ID     int64
	Name   string
	Colour string // #rrggbb
}

// Groups yields tblclientgroups.
func (r *Reader) Groups(ctx context.Context) iter.Seq2[Group, error] {
	return read(ctx, r, "tblclientgroups", func(f *fields) Group {
		return Group{f.row.ID, f.name("groupname"), f.line("groupcolour")}
	})
}

// A Currency is a row of tblcurrencies.
type Currency struct {
	ID             int64
	Code           string // three letters
	Prefix, Suffix string
	Default        bool
}

// Currencies yields tblcurrencies.
func (r *Reader) Currencies(ctx context.Context) iter.Seq2[Currency, error] {
	return read(ctx, r, "tblcurrencies", func(f *fields) Currency {
		return Currency{f.row.ID, f.line("code"), f.line("prefix"), f.line("suffix"), f.flag("default")}
	})
}
