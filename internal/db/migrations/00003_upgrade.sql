-- +goose Up

-- Databases of other systems that were brought in. runner is the process that
-- writes now: it says so before each step, so that an older one stops.
CREATE TABLE imports (
    id        {{.ID}},
    name      TEXT {{.Binary}} NOT NULL UNIQUE,
    version   TEXT NOT NULL,
    runner    TEXT NOT NULL,
    sealed    TEXT NOT NULL DEFAULT '',        -- what fingerprints of password hashes are keyed with
    began_at  TIMESTAMP NOT NULL,
    done_at   TIMESTAMP                        -- when it was last run to its end
);

-- Which row there is which row here.
CREATE TABLE import_rows (
    import_id    BIGINT NOT NULL REFERENCES imports (id),
    kind         TEXT {{.Binary}} NOT NULL,    -- what of the row there: a client, her login, her ownership…
    source_id    BIGINT NOT NULL,
    target_id    BIGINT NOT NULL,
    written      BIGINT NOT NULL DEFAULT 0,    -- a fingerprint of what was written, to tell who changed it since
    secret       BIGINT NOT NULL DEFAULT 0,    -- of a login: a keyed fingerprint of the password hash that was found
    address      BIGINT NOT NULL DEFAULT 0,    -- of a login: a keyed fingerprint of its address there
    credentials  BIGINT NOT NULL DEFAULT 0,    -- of a login: the user's, when it was written
    mark         TEXT NOT NULL DEFAULT '',     -- of a client: what tells her from one of another database
    needs        TEXT NOT NULL DEFAULT '',     -- of a login: what its person is to be told: 'password', 'factor'
    told_at      TIMESTAMP,                    -- when she was
    PRIMARY KEY (import_id, kind, source_id)
);
CREATE INDEX import_rows_target ON import_rows (target_id);

ALTER TABLE users ADD COLUMN import_id BIGINT REFERENCES imports (id);
ALTER TABLE users ADD COLUMN several BOOLEAN NOT NULL DEFAULT FALSE; -- may have other logins from before: she is told what to do about it

-- Groups that staff sort accounts into.
CREATE TABLE account_groups (
    id          {{.ID}},
    name        TEXT NOT NULL,
    colour      TEXT NOT NULL DEFAULT '',      -- #rrggbb
    created_at  TIMESTAMP NOT NULL
);

ALTER TABLE accounts ADD COLUMN import_id BIGINT REFERENCES imports (id);
ALTER TABLE accounts ADD COLUMN group_id BIGINT REFERENCES account_groups (id);
ALTER TABLE accounts ADD COLUMN offers BOOLEAN NOT NULL DEFAULT FALSE; -- has agreed to hear of offers

-- Where a contact is found by post.
ALTER TABLE contacts ADD COLUMN line1 TEXT NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN line2 TEXT NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN city TEXT NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN region TEXT NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN postcode TEXT NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN country TEXT NOT NULL DEFAULT '';
ALTER TABLE contacts ADD COLUMN tax_number TEXT NOT NULL DEFAULT '';

-- Fields that the operator has added to what accounts say of themselves.
CREATE TABLE account_fields (
    id           {{.ID}},
    name         TEXT NOT NULL,
    kind         TEXT NOT NULL CHECK (kind IN ('text', 'lines', 'link', 'choice', 'tick', 'secret')),
    description  TEXT NOT NULL DEFAULT '',
    options      TEXT NOT NULL DEFAULT '',     -- of a choice, one in each line
    pattern      TEXT NOT NULL DEFAULT '',     -- a regular expression that values match
    staff_only   BOOLEAN NOT NULL DEFAULT FALSE,
    required     BOOLEAN NOT NULL DEFAULT FALSE,
    position     BIGINT NOT NULL DEFAULT 0,
    created_at   TIMESTAMP NOT NULL
);

CREATE TABLE account_values (
    id          {{.ID}},
    account_id  BIGINT NOT NULL REFERENCES accounts (id),
    field_id    BIGINT NOT NULL REFERENCES account_fields (id),
    value       TEXT NOT NULL,
    UNIQUE (account_id, field_id)
);

-- What staff note down about an account.
CREATE TABLE account_notes (
    id          {{.ID}},
    account_id  BIGINT NOT NULL REFERENCES accounts (id),
    text        TEXT NOT NULL,
    sticky      BOOLEAN NOT NULL DEFAULT FALSE,
    author      TEXT NOT NULL DEFAULT '',      -- the name of whoever wrote it
    created_at  TIMESTAMP NOT NULL,
    changed_at  TIMESTAMP NOT NULL,
    UNIQUE (account_id, id)
);
CREATE INDEX account_notes_recent ON account_notes (account_id, sticky DESC, changed_at DESC);
{{if .Postgres}}{{range $table := list "account_values" "account_notes"}}
ALTER TABLE {{$table}} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{$table}} FORCE ROW LEVEL SECURITY;
CREATE POLICY wall ON {{$table}}
    USING (clientele_wide() OR account_id = clientele_account())
    WITH CHECK (clientele_wide() OR account_id = clientele_account());
{{end}}{{end}}
-- +goose Down
-- There is no way back but a backup: an older release could not keep the rules of this one.
SELECT 1;
