package app

// What a room takes away from somebody has a line in takings, or comes back
// with a backup. A test holds every table of the schema, and every column of
// those that are compared, against these lists.

// asCopied are the tables that a restore leaves as they are in the backup, and
// why nothing is taken away in them, or why it comes back all the same.
var asCopied = map[string]string{
	"account_fields":       "what accounts are asked for gives nobody anything",
	"account_groups":       "groups give nobody anything",
	"account_notes":        "notes give nobody anything",
	"account_values":       "answers give nobody anything",
	"audit_checkpoints":    "the log is as it was then",
	"audit_heads":          "the log is as it was then",
	"audit_keys":           "the log is as it was then",
	"audit_records":        "the log is as it was then",
	"contacts":             "they get an account's mail and open nothing; the report says that the accounts are as they were",
	"formers":              "follows merges",
	"import_rows":          "an upgrade is run again, and goes by what is there",
	"imports":              "an upgrade is run again, and goes by what is there",
	"logos":                "a picture",
	"merge_parts":          "follows merges",
	"owner_recovery_links": "they only stop a recovery, and those that were open are withdrawn",
	"settings":             "of the whole installation: operators look through them after a restore, as the manual says",
	"terms":                "who has accepted an older version is asked again",
	"throttles":            "they run out by themselves",
}

// beside are the columns of compared tables by which nothing is taken away.
var beside = map[string]string{
	"installation":         "key_check",
	"users":                "name, language, last_account, search, signed_in_at, second_since, import_id, several, terms_version, terms_at",
	"passkeys":             "user_id, credential, handle, name, record, used_at, cloned_at",
	"authenticators":       "user_id, name, sealed, last_step, used_at",
	"identities":           "user_id, provider_id, issuer, subject, label, used_at",
	"recovery_codes":       "user_id, code_hash",
	"roles":                "account_id, name",
	"memberships":          "starts_at, seen_at",
	"grants":               "account_id, membership_id, kind, object_id, permissions, starts_at, ends_at", // a grant never changes: it ends, and another one begins
	"partner_links":        "account_id, partner_id, starts_at, ends_at",
	"accounts":             "name, company, address, mail_kinds, line1, line2, city, region, postcode, country, phone, tax_number, currency, language, version, search, import_id, group_id, offers",
	"merges":               "started_by, reason, keep_hash, other_hash, keep_credentials, other_credentials, keep_shown, other_shown, expires_at, closed_at, done_at, undo_until",
	"staff_roles":          "name",
	"staff":                "address, name, signed_in_at, credentials",
	"staff_passkeys":       "staff_id, credential, handle, name, record, used_at, cloned_at",
	"staff_authenticators": "staff_id, name, sealed, last_step, used_at",
	"staff_recovery_codes": "staff_id, code_hash",
	"providers":            "name, issuer, client_id, sealed",
}
