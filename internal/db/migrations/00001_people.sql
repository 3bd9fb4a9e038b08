-- +goose Up

-- People. A user is a person; she is found by her address, which is stored in
-- its one canonical spelling and compared byte by byte.
CREATE TABLE users (
    id              {{.ID}},
    address         TEXT {{.Binary}} NOT NULL,
    verified_at     TIMESTAMP,
    name            TEXT NOT NULL,
    language        TEXT NOT NULL DEFAULT 'en',
    status          TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'deleted')),
    password        TEXT NOT NULL DEFAULT '',
    credentials     BIGINT NOT NULL DEFAULT 1, -- goes up with every change of password, address or factor
    last_account    BIGINT,                    -- a preference: where the first redirect after sign-in goes
    search          TEXT {{.Binary}} NOT NULL DEFAULT '',
    created_at      TIMESTAMP NOT NULL,
    signed_in_at    TIMESTAMP
);
CREATE UNIQUE INDEX users_address ON users (address) WHERE status <> 'deleted';

CREATE TABLE sessions (
    id          {{.ID}},
    user_id     BIGINT NOT NULL REFERENCES users (id),
    token_hash  TEXT {{.Binary}} NOT NULL UNIQUE,
    created_at  TIMESTAMP NOT NULL,
    seen_at     TIMESTAMP NOT NULL,
    proved_at   TIMESTAMP NOT NULL,            -- when a credential was last shown in this session
    expires_at  TIMESTAMP NOT NULL,            -- absolute; seen_at bounds the idle time
    ended_at    TIMESTAMP,
    agent       TEXT NOT NULL DEFAULT '',
    network     TEXT NOT NULL DEFAULT ''
);
CREATE INDEX sessions_user ON sessions (user_id) WHERE ended_at IS NULL;

-- Browsers in which a user has signed in before: they get past the brake that
-- strangers who guess her password would otherwise put on her.
CREATE TABLE devices (
    id          {{.ID}},
    user_id     BIGINT NOT NULL REFERENCES users (id),
    token_hash  TEXT {{.Binary}} NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    seen_at     TIMESTAMP NOT NULL,
    ended_at    TIMESTAMP
);
CREATE UNIQUE INDEX devices_token ON devices (token_hash, user_id);

-- Links mailed to users: to set a password, to prove an address.
CREATE TABLE user_links (
    id          {{.ID}},
    user_id     BIGINT NOT NULL REFERENCES users (id),
    purpose     TEXT NOT NULL CHECK (purpose IN ('password', 'address')),
    address     TEXT {{.Binary}} NOT NULL,
    token_hash  TEXT {{.Binary}} NOT NULL UNIQUE,
    credentials BIGINT NOT NULL,               -- the user's at the time of sending: a change voids the link
    created_at  TIMESTAMP NOT NULL,
    expires_at  TIMESTAMP NOT NULL,
    ended_at    TIMESTAMP
);
CREATE INDEX user_links_user ON user_links (user_id) WHERE ended_at IS NULL;

-- Somebody who has typed an address into the sign-up form is no user yet:
-- the mailbox's owner makes the user by following the link.
CREATE TABLE signups (
    id            {{.ID}},
    address       TEXT {{.Binary}} NOT NULL,
    name          TEXT NOT NULL,
    password      TEXT NOT NULL,
    language      TEXT NOT NULL,
    account_name  TEXT NOT NULL DEFAULT '',    -- empty: a user without an account
    currency      TEXT NOT NULL DEFAULT '',
    country       TEXT NOT NULL DEFAULT '',
    token_hash    TEXT {{.Binary}} NOT NULL UNIQUE,
    browser_hash  TEXT {{.Binary}} NOT NULL,
    created_at    TIMESTAMP NOT NULL,
    expires_at    TIMESTAMP NOT NULL,
    ended_at      TIMESTAMP
);
CREATE INDEX signups_address ON signups (address) WHERE ended_at IS NULL;

-- Counters of attempts, shared by all nodes.
CREATE TABLE throttles (
    name       TEXT {{.Binary}} NOT NULL PRIMARY KEY,
    began_at   TIMESTAMP NOT NULL,
    ends_at    TIMESTAMP NOT NULL,
    hits       BIGINT NOT NULL
);
CREATE INDEX throttles_ends ON throttles (ends_at);

-- Accounts.
CREATE TABLE accounts (
    id          {{.ID}},
    name        TEXT NOT NULL,
    company     TEXT NOT NULL DEFAULT '',
    address     TEXT {{.Binary}} NOT NULL,     -- where the account's own mail goes
    mail_kinds  BIGINT NOT NULL DEFAULT 63,
    line1       TEXT NOT NULL DEFAULT '',
    line2       TEXT NOT NULL DEFAULT '',
    city        TEXT NOT NULL DEFAULT '',
    region      TEXT NOT NULL DEFAULT '',
    postcode    TEXT NOT NULL DEFAULT '',
    country     TEXT NOT NULL DEFAULT '',
    phone       TEXT NOT NULL DEFAULT '',
    tax_number  TEXT NOT NULL DEFAULT '',
    currency    TEXT NOT NULL,
    language    TEXT NOT NULL DEFAULT 'en',
    status      TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'inactive', 'closed')),
    closed_at   TIMESTAMP,
    version     BIGINT NOT NULL DEFAULT 1,     -- every change goes through this row first, one after another
    search      TEXT {{.Binary}} NOT NULL DEFAULT '',
    created_at  TIMESTAMP NOT NULL
);

CREATE TABLE contacts (
    id          {{.ID}},
    account_id  BIGINT NOT NULL REFERENCES accounts (id),
    name        TEXT NOT NULL,
    company     TEXT NOT NULL DEFAULT '',
    address     TEXT {{.Binary}} NOT NULL,
    phone       TEXT NOT NULL DEFAULT '',
    mail_kinds  BIGINT NOT NULL DEFAULT 0,
    created_at  TIMESTAMP NOT NULL,
    UNIQUE (account_id, id)
);

-- Access. See access/check.go for the one query that reads these tables.
CREATE TABLE roles (
    id           {{.ID}},
    account_id   BIGINT NOT NULL REFERENCES accounts (id),
    name         TEXT NOT NULL,
    permissions  BIGINT NOT NULL,
    created_at   TIMESTAMP NOT NULL,
    UNIQUE (account_id, id),
    UNIQUE (account_id, name)
);

CREATE TABLE memberships (
    id           {{.ID}},
    account_id   BIGINT NOT NULL REFERENCES accounts (id),
    user_id      BIGINT NOT NULL REFERENCES users (id),
    owner        BOOLEAN NOT NULL DEFAULT FALSE,
    role         TEXT NOT NULL DEFAULT '',     -- a built-in role's key, or empty
    role_id      BIGINT,                       -- one of the account's own roles
    permissions  BIGINT NOT NULL DEFAULT 0,    -- single permissions, beside the role's
    status       TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'ended')),
    starts_at    TIMESTAMP NOT NULL,
    ends_at      TIMESTAMP,
    ended_at     TIMESTAMP,
    ended_why    TEXT NOT NULL DEFAULT '',
    seen_at      TIMESTAMP NOT NULL,           -- the last visit; at first, when it was made
    created_at   TIMESTAMP NOT NULL,
    UNIQUE (account_id, id),
    FOREIGN KEY (account_id, role_id) REFERENCES roles (account_id, id),
    CHECK (owner = FALSE OR ends_at IS NULL)
);
CREATE UNIQUE INDEX memberships_user ON memberships (account_id, user_id) WHERE status <> 'ended';
CREATE INDEX memberships_recent ON memberships (user_id, seen_at DESC, id DESC) WHERE status <> 'ended';
CREATE INDEX memberships_accounts ON memberships (user_id, account_id, starts_at, ends_at) WHERE status = 'active'; -- covers the list of one's accounts

-- Permissions on one object of the account.
CREATE TABLE grants (
    id             {{.ID}},
    account_id     BIGINT NOT NULL REFERENCES accounts (id),
    membership_id  BIGINT NOT NULL,
    kind           TEXT NOT NULL CHECK (kind IN ('service', 'domain', 'department')),
    object_id      BIGINT NOT NULL,
    permissions    BIGINT NOT NULL,
    starts_at      TIMESTAMP NOT NULL,
    ends_at        TIMESTAMP,
    ended_at       TIMESTAMP,
    created_at     TIMESTAMP NOT NULL,
    UNIQUE (account_id, id),
    FOREIGN KEY (account_id, membership_id) REFERENCES memberships (account_id, id)
);
CREATE INDEX grants_membership ON grants (account_id, membership_id) WHERE ended_at IS NULL;

-- account_id lets partner_id's members act on it.
CREATE TABLE partner_links (
    id           {{.ID}},
    account_id   BIGINT NOT NULL REFERENCES accounts (id),
    partner_id   BIGINT NOT NULL REFERENCES accounts (id),
    permissions  BIGINT NOT NULL,
    status       TEXT NOT NULL CHECK (status IN ('pending', 'active', 'ended')),
    starts_at    TIMESTAMP NOT NULL,
    ends_at      TIMESTAMP,
    ended_at     TIMESTAMP,
    created_at   TIMESTAMP NOT NULL,
    UNIQUE (account_id, id),
    CHECK (account_id <> partner_id)
);
CREATE UNIQUE INDEX partner_links_pair ON partner_links (account_id, partner_id) WHERE status <> 'ended';
CREATE INDEX partner_links_partner ON partner_links (partner_id) WHERE status = 'active';

CREATE TABLE staff (
    id            {{.ID}},
    address       TEXT {{.Binary}} NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    role          TEXT NOT NULL,
    password      TEXT NOT NULL,
    status        TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
    created_at    TIMESTAMP NOT NULL,
    signed_in_at  TIMESTAMP
);

CREATE TABLE staff_sessions (
    id          {{.ID}},
    staff_id    BIGINT NOT NULL REFERENCES staff (id),
    token_hash  TEXT {{.Binary}} NOT NULL UNIQUE,
    created_at  TIMESTAMP NOT NULL,
    seen_at     TIMESTAMP NOT NULL,
    proved_at   TIMESTAMP NOT NULL,
    expires_at  TIMESTAMP NOT NULL,
    ended_at    TIMESTAMP,
    agent       TEXT NOT NULL DEFAULT '',
    network     TEXT NOT NULL DEFAULT ''
);

CREATE TABLE invitations (
    id                {{.ID}},
    account_id        BIGINT NOT NULL REFERENCES accounts (id),
    address           TEXT {{.Binary}} NOT NULL,
    token_hash        TEXT {{.Binary}} NOT NULL UNIQUE,
    state             TEXT NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'accepted', 'declined', 'withdrawn', 'expired')),
    role              TEXT NOT NULL DEFAULT '',
    role_id           BIGINT,
    permissions       BIGINT NOT NULL DEFAULT 0,
    access_ends_at    TIMESTAMP,               -- the end of the access that it offers
    invited_by_user   BIGINT REFERENCES users (id),
    invited_by_staff  BIGINT REFERENCES staff (id),
    muted             BOOLEAN NOT NULL DEFAULT FALSE, -- the invited has blocked the account: nothing is mailed
    sends             BIGINT NOT NULL DEFAULT 1,
    created_at        TIMESTAMP NOT NULL,
    sent_at           TIMESTAMP NOT NULL,
    expires_at        TIMESTAMP NOT NULL,
    closed_at         TIMESTAMP,
    accepted_by       BIGINT REFERENCES users (id),
    membership_id     BIGINT,
    mail_id           BIGINT,
    UNIQUE (account_id, id),
    FOREIGN KEY (account_id, role_id) REFERENCES roles (account_id, id),
    FOREIGN KEY (account_id, membership_id) REFERENCES memberships (account_id, id),
    CHECK (invited_by_user IS NULL OR invited_by_staff IS NULL)
);
CREATE UNIQUE INDEX invitations_pending ON invitations (account_id, address) WHERE state = 'pending';
CREATE INDEX invitations_address ON invitations (address) WHERE state = 'pending';

-- Who wants no invitations from an account.
CREATE TABLE invitation_blocks (
    account_id  BIGINT NOT NULL REFERENCES accounts (id),
    address     TEXT {{.Binary}} NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    PRIMARY KEY (account_id, address)
);

-- Ownership offered to a member, open until she takes it.
CREATE TABLE ownership_offers (
    id                {{.ID}},
    account_id        BIGINT NOT NULL REFERENCES accounts (id),
    from_id           BIGINT NOT NULL,
    to_id             BIGINT NOT NULL,
    hand_over         BOOLEAN NOT NULL,        -- the one who offers stops being an owner
    from_credentials  BIGINT NOT NULL,
    to_credentials    BIGINT NOT NULL,
    state             TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'accepted', 'declined', 'withdrawn')),
    created_at        TIMESTAMP NOT NULL,
    expires_at        TIMESTAMP NOT NULL,
    closed_at         TIMESTAMP,
    UNIQUE (account_id, id),
    FOREIGN KEY (account_id, from_id) REFERENCES memberships (account_id, id),
    FOREIGN KEY (account_id, to_id) REFERENCES memberships (account_id, id)
);
CREATE UNIQUE INDEX ownership_offers_open ON ownership_offers (account_id, to_id) WHERE state = 'open';

-- The mail log. The message itself is sealed while it waits; what stays for
-- people to read has no live links.
CREATE TABLE mails (
    id          {{.ID}},
    account_id  BIGINT REFERENCES accounts (id), -- the account that it was sent to
    about_id    BIGINT REFERENCES accounts (id), -- the account that it is about, whoever got it
    user_id     BIGINT REFERENCES users (id),
    kind        TEXT NOT NULL,
    class       TEXT NOT NULL CHECK (class IN ('urgent', 'bulk')),
    recipient   TEXT {{.Binary}} NOT NULL,
    subject     TEXT NOT NULL,
    text_body   TEXT NOT NULL,
    html_body   TEXT NOT NULL,
    sealed      TEXT NOT NULL DEFAULT '',
    state       TEXT NOT NULL CHECK (state IN ('queued', 'sent', 'failed', 'kept')),
    attempts    BIGINT NOT NULL DEFAULT 0,
    problem     TEXT NOT NULL DEFAULT '',
    created_at  TIMESTAMP NOT NULL,
    tried_at    TIMESTAMP,
    sent_at     TIMESTAMP
);
CREATE INDEX mails_account ON mails (account_id, id);
CREATE INDEX mails_about ON mails (about_id, id);
CREATE INDEX mails_user ON mails (user_id, id);
CREATE INDEX mails_state ON mails (state, id);

-- Who did what. Records carry numbers, not names: names are looked up when the
-- log is read, so that a person who goes takes hers with her.
CREATE TABLE audit_records (
    id           {{.ID}},
    at           TIMESTAMP NOT NULL,
    event        TEXT NOT NULL,
    outcome      TEXT NOT NULL DEFAULT 'done' CHECK (outcome IN ('done', 'denied')),
    actor_kind   TEXT NOT NULL CHECK (actor_kind IN ('user', 'staff', 'system', 'visitor')),
    actor_id     BIGINT,
    via          TEXT NOT NULL,
    via_id       BIGINT,
    account_id   BIGINT,
    object_kind  TEXT NOT NULL DEFAULT '',
    object_id    BIGINT,
    subject_id   BIGINT,                       -- the user whom it is about, where that is not the actor
    before       TEXT NOT NULL DEFAULT '',
    after        TEXT NOT NULL DEFAULT '',
    request      TEXT NOT NULL DEFAULT '',
    network      TEXT NOT NULL DEFAULT ''
);
CREATE INDEX audit_records_account ON audit_records (account_id, id);
CREATE INDEX audit_records_actor ON audit_records (actor_kind, actor_id, id);
CREATE INDEX audit_records_subject ON audit_records (subject_id, id);
{{if .Postgres}}
-- +goose StatementBegin
CREATE FUNCTION clientele_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END $$;
-- +goose StatementEnd
CREATE TRIGGER audit_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_records
    FOR EACH STATEMENT EXECUTE FUNCTION clientele_append_only();

-- The second wall: a transaction sees the rows of the account, or of the
-- person, that it named at its start, and without a name none at all. After a
-- transaction-local setting is gone it reads as '', hence NULLIF.
-- +goose StatementBegin
CREATE FUNCTION clientele_account() RETURNS BIGINT LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT NULLIF(current_setting('clientele.account', true), '')::bigint $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION clientele_user() RETURNS BIGINT LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT NULLIF(current_setting('clientele.user_id', true), '')::bigint $$;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE FUNCTION clientele_wide() RETURNS BOOLEAN LANGUAGE sql STABLE PARALLEL SAFE AS
    $$ SELECT COALESCE(current_setting('clientele.wide', true), '') = 'on' $$;
-- +goose StatementEnd

ALTER TABLE memberships ENABLE ROW LEVEL SECURITY;
ALTER TABLE memberships FORCE ROW LEVEL SECURITY;
CREATE POLICY wall ON memberships
    USING (clientele_wide() OR account_id = clientele_account() OR user_id = clientele_user())
    WITH CHECK (clientele_wide() OR account_id = clientele_account());

ALTER TABLE partner_links ENABLE ROW LEVEL SECURITY;
ALTER TABLE partner_links FORCE ROW LEVEL SECURITY;
CREATE POLICY wall ON partner_links
    USING (clientele_wide() OR account_id = clientele_account() OR partner_id = clientele_account())
    WITH CHECK (clientele_wide() OR account_id = clientele_account());

ALTER TABLE accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE accounts FORCE ROW LEVEL SECURITY;
CREATE POLICY wall ON accounts
    USING (clientele_wide() OR id = clientele_account())
    WITH CHECK (clientele_wide() OR id = clientele_account());
{{range $table := list "contacts" "roles" "grants" "invitations" "invitation_blocks" "ownership_offers"}}
ALTER TABLE {{$table}} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {{$table}} FORCE ROW LEVEL SECURITY;
CREATE POLICY wall ON {{$table}}
    USING (clientele_wide() OR account_id = clientele_account())
    WITH CHECK (clientele_wide() OR account_id = clientele_account());
{{end}}
-- A person reads what was mailed to her and what she did, in no account's name.
ALTER TABLE mails ENABLE ROW LEVEL SECURITY;
ALTER TABLE mails FORCE ROW LEVEL SECURITY;
CREATE POLICY wall ON mails
    USING (clientele_wide() OR account_id = clientele_account() OR about_id = clientele_account() OR user_id = clientele_user())
    WITH CHECK (clientele_wide() OR ((account_id IS NULL OR account_id = clientele_account()) AND (about_id IS NULL OR about_id = clientele_account())));

ALTER TABLE audit_records ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit_records FORCE ROW LEVEL SECURITY;
CREATE POLICY wall ON audit_records
    USING (clientele_wide() OR account_id = clientele_account()
        OR (actor_kind = 'user' AND actor_id = clientele_user()) OR subject_id = clientele_user())
    WITH CHECK (clientele_wide() OR account_id IS NULL OR account_id = clientele_account());
{{else}}
-- +goose StatementBegin
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit_records
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit_records
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
-- +goose StatementBegin
-- INSERT OR REPLACE deletes without asking the trigger above.
CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit_records WHEN EXISTS (SELECT 1 FROM audit_records WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
-- +goose StatementEnd
{{end}}
-- +goose Down
-- There is no way back but a backup: an older release could not keep the rules of this one.
SELECT 1;
