-- +goose Up

-- Giving an account a new owner where its owners are gone: two operators, a
-- delay, and mail that stops it. The new owner is a member, or an address
-- that is invited once it is done.
CREATE TABLE owner_recoveries (
    id             {{.ID}},
    account_id     BIGINT NOT NULL REFERENCES accounts (id),
    membership_id  BIGINT,
    address        TEXT {{.Binary}} NOT NULL DEFAULT '',
    reason         TEXT NOT NULL,
    started_by     BIGINT NOT NULL REFERENCES staff (id),
    approved_by    BIGINT REFERENCES staff (id),
    state          TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'stopped', 'withdrawn')),
    created_at     TIMESTAMP NOT NULL,
    approved_at    TIMESTAMP,
    ready_at       TIMESTAMP NOT NULL,
    closed_at      TIMESTAMP,
    UNIQUE (account_id, id),
    FOREIGN KEY (account_id, membership_id) REFERENCES memberships (account_id, id),
    CHECK (approved_by IS NULL OR approved_by <> started_by),
    CHECK ((membership_id IS NULL) <> (address = ''))
);
CREATE UNIQUE INDEX owner_recoveries_open ON owner_recoveries (account_id) WHERE state = 'open';

-- The mailed links that stop one: an owner's, or, without a user, the one that
-- went to the account's own address.
CREATE TABLE owner_recovery_links (
    id           {{.ID}},
    account_id   BIGINT NOT NULL REFERENCES accounts (id),
    recovery_id  BIGINT NOT NULL,
    user_id      BIGINT REFERENCES users (id),
    token_hash   TEXT {{.Binary}} NOT NULL UNIQUE,
    created_at   TIMESTAMP NOT NULL,
    UNIQUE (account_id, id),
    FOREIGN KEY (account_id, recovery_id) REFERENCES owner_recoveries (account_id, id)
);
{{if .Postgres}}{{range $table := list "owner_recoveries" "owner_recovery_links"}}
ALTER TABLE {{$table}} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{$table}} FORCE ROW LEVEL SECURITY;
CREATE POLICY wall ON {{$table}}
    USING (clientele_wide() OR account_id = clientele_account())
    WITH CHECK (clientele_wide() OR account_id = clientele_account());
{{end}}{{end}}
-- Whoever accepts it becomes an owner: set where lost owners are replaced, and
-- nowhere else.
ALTER TABLE invitations ADD COLUMN owner BOOLEAN NOT NULL DEFAULT FALSE;

-- Since when staff keep somebody from signing in, and why.
ALTER TABLE users ADD COLUMN suspended_at TIMESTAMP;
ALTER TABLE users ADD COLUMN suspended_why TEXT NOT NULL DEFAULT '';

-- What staff look through every day.
CREATE INDEX accounts_created ON accounts (created_at);
CREATE INDEX users_suspended ON users (suspended_at) WHERE status = 'suspended';
CREATE INDEX memberships_ending ON memberships (ends_at) WHERE status = 'active' AND ends_at IS NOT NULL;
CREATE INDEX invitations_waiting ON invitations (sent_at) WHERE state = 'pending';

-- +goose Down
-- There is no way back but a backup: an older release could not keep the rules of this one.
SELECT 1;
