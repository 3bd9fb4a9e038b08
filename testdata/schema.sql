-- SQLite: each table, by name.

CREATE TABLE account_fields (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
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

CREATE TABLE account_groups (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL,
    colour      TEXT NOT NULL DEFAULT '',      -- #rrggbb
    created_at  TIMESTAMP NOT NULL
);

CREATE TABLE account_notes (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id  BIGINT NOT NULL REFERENCES accounts (id),
    text        TEXT NOT NULL,
    sticky      BOOLEAN NOT NULL DEFAULT FALSE,
    author      TEXT NOT NULL DEFAULT '',      -- the name of whoever wrote it
    created_at  TIMESTAMP NOT NULL,
    changed_at  TIMESTAMP NOT NULL,
    UNIQUE (account_id, id)
);

CREATE TABLE account_values (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id  BIGINT NOT NULL REFERENCES accounts (id),
    field_id    BIGINT NOT NULL REFERENCES account_fields (id),
    value       TEXT NOT NULL,
    UNIQUE (account_id, field_id)
);

CREATE TABLE accounts (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    name        TEXT NOT NULL,
    company     TEXT NOT NULL DEFAULT '',
    address     TEXT  NOT NULL,     -- where the account's own mail goes
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
    search      TEXT  NOT NULL DEFAULT '',
    created_at  TIMESTAMP NOT NULL
, ways TEXT NOT NULL DEFAULT '', second_from TIMESTAMP, session_hours BIGINT NOT NULL DEFAULT 0, import_id BIGINT REFERENCES imports (id), group_id BIGINT REFERENCES account_groups (id), offers BOOLEAN NOT NULL DEFAULT FALSE, staff_may_look BOOLEAN NOT NULL DEFAULT TRUE);

CREATE TABLE address_changes (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id      BIGINT NOT NULL REFERENCES users (id),
    session_id   BIGINT NOT NULL,               -- the one that asked: it goes on when the change is confirmed
    old_address  TEXT  NOT NULL,
    new_address  TEXT  NOT NULL,
    token_hash   TEXT  NOT NULL UNIQUE,
    credentials  BIGINT NOT NULL,
    created_at   TIMESTAMP NOT NULL,
    expires_at   TIMESTAMP NOT NULL,
    ended_at     TIMESTAMP,                     -- confirmed, replaced or withdrawn
    done_at      TIMESTAMP,
    undo_hash    TEXT  NOT NULL UNIQUE,
    undo_until   TIMESTAMP,
    undone_at    TIMESTAMP
);

CREATE TABLE alarms (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id     BIGINT NOT NULL REFERENCES users (id),
    token_hash  TEXT  NOT NULL UNIQUE,
    created_at  TIMESTAMP NOT NULL,
    expires_at  TIMESTAMP NOT NULL,
    ended_at    TIMESTAMP
);

CREATE TABLE audit_checkpoints (
    id         BIGINT NOT NULL PRIMARY KEY,    -- counts without gaps
    at         TIMESTAMP NOT NULL,
    heads      TEXT NOT NULL,
    previous   TEXT NOT NULL,                  -- the hash of the checkpoint before
    hash       TEXT NOT NULL,
    public     TEXT NOT NULL,
    signature  TEXT NOT NULL
);

CREATE TABLE audit_heads (
    lane     BIGINT NOT NULL PRIMARY KEY,
    seq      BIGINT NOT NULL DEFAULT 0,
    hash     TEXT NOT NULL DEFAULT '',
    through  BIGINT NOT NULL DEFAULT 0         -- of lane 0: the last record that is still to be put into it; 0 once all are
);

CREATE TABLE audit_keys (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    public      TEXT NOT NULL,
    sealed      TEXT NOT NULL,
    created_at  TIMESTAMP NOT NULL
);

CREATE TABLE audit_records (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
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
, behalf_id BIGINT, lane BIGINT NOT NULL DEFAULT 0, seq BIGINT NOT NULL DEFAULT 0, previous TEXT NOT NULL DEFAULT '', hash TEXT NOT NULL DEFAULT '');

CREATE TABLE authenticators (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id     BIGINT NOT NULL REFERENCES users (id),
    name        TEXT NOT NULL,
    sealed      TEXT NOT NULL,
    last_step   BIGINT NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    used_at     TIMESTAMP
);

CREATE TABLE ceremonies (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    kind         TEXT NOT NULL,
    token_hash   TEXT  NOT NULL UNIQUE,
    user_id      BIGINT REFERENCES users (id),
    session_id   BIGINT,
    pending_id   BIGINT,
    sealed       TEXT NOT NULL,
    created_at   TIMESTAMP NOT NULL,
    expires_at   TIMESTAMP NOT NULL,
    ended_at     TIMESTAMP
, staff_id BIGINT REFERENCES staff (id));

CREATE TABLE contacts (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id  BIGINT NOT NULL REFERENCES accounts (id),
    name        TEXT NOT NULL,
    company     TEXT NOT NULL DEFAULT '',
    address     TEXT  NOT NULL,
    phone       TEXT NOT NULL DEFAULT '',
    mail_kinds  BIGINT NOT NULL DEFAULT 0,
    created_at  TIMESTAMP NOT NULL, line1 TEXT NOT NULL DEFAULT '', line2 TEXT NOT NULL DEFAULT '', city TEXT NOT NULL DEFAULT '', region TEXT NOT NULL DEFAULT '', postcode TEXT NOT NULL DEFAULT '', country TEXT NOT NULL DEFAULT '', tax_number TEXT NOT NULL DEFAULT '', search TEXT  NOT NULL DEFAULT '',
    UNIQUE (account_id, id)
);

CREATE TABLE devices (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id     BIGINT NOT NULL REFERENCES users (id),
    token_hash  TEXT  NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    seen_at     TIMESTAMP NOT NULL,
    ended_at    TIMESTAMP
, agent TEXT NOT NULL DEFAULT '', network TEXT NOT NULL DEFAULT '', trusted_until TIMESTAMP);

CREATE TABLE factor_resets (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id      BIGINT NOT NULL REFERENCES users (id),
    reason       TEXT NOT NULL,
    started_by   BIGINT NOT NULL REFERENCES staff (id),
    approved_by  BIGINT REFERENCES staff (id),
    state        TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'stopped', 'withdrawn')),
    stop_hash    TEXT  NOT NULL UNIQUE,
    credentials  BIGINT NOT NULL,
    created_at   TIMESTAMP NOT NULL,
    approved_at  TIMESTAMP,
    ready_at     TIMESTAMP NOT NULL,
    closed_at    TIMESTAMP,
    CHECK (approved_by IS NULL OR approved_by <> started_by)
);

CREATE TABLE formers (
    user_id    BIGINT NOT NULL REFERENCES users (id),
    former_id  BIGINT NOT NULL REFERENCES users (id),
    merge_id   BIGINT NOT NULL REFERENCES merges (id),
    PRIMARY KEY (user_id, former_id)
);

CREATE TABLE grants (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
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

CREATE TABLE identities (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id      BIGINT NOT NULL REFERENCES users (id),
    provider_id  BIGINT NOT NULL REFERENCES providers (id),
    issuer       TEXT  NOT NULL,
    subject      TEXT  NOT NULL,
    label        TEXT NOT NULL DEFAULT '',      -- what the provider called her when it was linked
    created_at   TIMESTAMP NOT NULL,
    used_at      TIMESTAMP,
    UNIQUE (issuer, subject)
);

CREATE TABLE impersonations (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    staff_id          BIGINT NOT NULL REFERENCES staff (id),
    staff_session_id  BIGINT REFERENCES staff_sessions (id), -- while it runs, it lives and dies with this
    user_id           BIGINT NOT NULL REFERENCES users (id),
    account_id        BIGINT NOT NULL REFERENCES accounts (id),
    token_hash        TEXT  NOT NULL UNIQUE,
    reason            TEXT NOT NULL,
    origin            TEXT NOT NULL,             -- the page of the staff area that it leads back to
    created_at        TIMESTAMP NOT NULL,
    expires_at        TIMESTAMP NOT NULL,
    acting_at         TIMESTAMP,                 -- from when on it may change something
    ended_at          TIMESTAMP,
    ended_why         TEXT NOT NULL DEFAULT '' CHECK (ended_why IN ('', 'ended', 'expired', 'session', 'staff', 'role', 'user', 'refused', 'access')),
    UNIQUE (account_id, id)
);

CREATE TABLE import_rows (
    import_id    BIGINT NOT NULL REFERENCES imports (id),
    kind         TEXT  NOT NULL,    -- what of the row there: a client, her login, her ownership…
    source_id    BIGINT NOT NULL,
    target_id    BIGINT NOT NULL,
    written      BIGINT NOT NULL DEFAULT 0,    -- a fingerprint of what was written, to tell who changed it since
    secret       BIGINT NOT NULL DEFAULT 0,    -- of a login: a keyed fingerprint of the password hash that was found
    address      BIGINT NOT NULL DEFAULT 0,    -- of a login: a keyed fingerprint of its address there
    credentials  BIGINT NOT NULL DEFAULT 0,    -- of a login: the user's, when it was written
    mark         TEXT NOT NULL DEFAULT '',     -- of a client: what tells her from one of another database
    needs        TEXT NOT NULL DEFAULT '',     -- of a login: what its person is to be told: 'password', 'factor'
    told_at      TIMESTAMP, merged_from BIGINT NOT NULL DEFAULT 0, needed TEXT,                    -- when she was
    PRIMARY KEY (import_id, kind, source_id)
);

CREATE TABLE imports (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    name      TEXT  NOT NULL UNIQUE,
    version   TEXT NOT NULL,
    runner    TEXT NOT NULL,
    sealed    TEXT NOT NULL DEFAULT '',        -- what fingerprints of password hashes are keyed with
    began_at  TIMESTAMP NOT NULL,
    done_at   TIMESTAMP                        -- when it was last run to its end
);

CREATE TABLE installation (
    id          BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    key_check   TEXT NOT NULL,
    created_at  TIMESTAMP NOT NULL
);

CREATE TABLE invitation_blocks (
    account_id  BIGINT NOT NULL REFERENCES accounts (id),
    address     TEXT  NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    PRIMARY KEY (account_id, address)
);

CREATE TABLE invitations (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id        BIGINT NOT NULL REFERENCES accounts (id),
    address           TEXT  NOT NULL,
    token_hash        TEXT  NOT NULL UNIQUE,
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
    mail_id           BIGINT, owner BOOLEAN NOT NULL DEFAULT FALSE,
    UNIQUE (account_id, id),
    FOREIGN KEY (account_id, role_id) REFERENCES roles (account_id, id),
    FOREIGN KEY (account_id, membership_id) REFERENCES memberships (account_id, id),
    CHECK (invited_by_user IS NULL OR invited_by_staff IS NULL)
);

CREATE TABLE logos (
    hash  TEXT PRIMARY KEY,
    body  BLOB NOT NULL
);

CREATE TABLE mails (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id  BIGINT REFERENCES accounts (id), -- the account that it was sent to
    about_id    BIGINT REFERENCES accounts (id), -- the account that it is about, whoever got it
    user_id     BIGINT REFERENCES users (id),
    kind        TEXT NOT NULL,
    class       TEXT NOT NULL CHECK (class IN ('urgent', 'bulk')),
    recipient   TEXT  NOT NULL,
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
, search TEXT  NOT NULL DEFAULT '');

CREATE TABLE memberships (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
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

CREATE TABLE merge_parts (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    merge_id    BIGINT NOT NULL REFERENCES merges (id),
    account_id  BIGINT NOT NULL REFERENCES accounts (id),
    kind        TEXT NOT NULL CHECK (kind IN ('stays', 'ended', 'grant', 'invitation')),
    row_id      BIGINT NOT NULL,
    before      TEXT NOT NULL DEFAULT '',
    after       TEXT NOT NULL DEFAULT '',
    UNIQUE (account_id, id)
);

CREATE TABLE merges (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    keep_id            BIGINT NOT NULL REFERENCES users (id),
    other_id           BIGINT NOT NULL REFERENCES users (id),
    state              TEXT NOT NULL CHECK (state IN ('asked', 'stopped', 'withdrawn', 'expired', 'done', 'undone', 'final')),
    started_by         BIGINT REFERENCES staff (id), -- nobody: the person herself
    reason             TEXT NOT NULL DEFAULT '',
    keep_hash          TEXT  UNIQUE,    -- of the token that was mailed to the login that stays
    other_hash         TEXT  UNIQUE,    -- and to the one that is brought in
    keep_credentials   BIGINT NOT NULL DEFAULT 0,  -- what the login's counted when its person agreed; 0: she has not
    other_credentials  BIGINT NOT NULL DEFAULT 0,
    created_at         TIMESTAMP NOT NULL,
    expires_at         TIMESTAMP NOT NULL,         -- until when it can be agreed to
    closed_at          TIMESTAMP,
    done_at            TIMESTAMP,
    undo_until         TIMESTAMP, keep_shown TEXT NOT NULL DEFAULT '', other_shown TEXT NOT NULL DEFAULT '',
    CHECK (keep_id <> other_id)
);

CREATE TABLE owner_recoveries (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id     BIGINT NOT NULL REFERENCES accounts (id),
    membership_id  BIGINT,
    address        TEXT  NOT NULL DEFAULT '',
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

CREATE TABLE owner_recovery_links (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id   BIGINT NOT NULL REFERENCES accounts (id),
    recovery_id  BIGINT NOT NULL,
    user_id      BIGINT REFERENCES users (id),
    token_hash   TEXT  NOT NULL UNIQUE,
    created_at   TIMESTAMP NOT NULL,
    UNIQUE (account_id, id),
    FOREIGN KEY (account_id, recovery_id) REFERENCES owner_recoveries (account_id, id)
);

CREATE TABLE ownership_offers (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
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

CREATE TABLE partner_links (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
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

CREATE TABLE passkeys (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id     BIGINT NOT NULL REFERENCES users (id),
    credential  TEXT  NOT NULL UNIQUE,
    handle      TEXT  NOT NULL,
    name        TEXT NOT NULL,
    record      TEXT NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    used_at     TIMESTAMP,
    cloned_at   TIMESTAMP                      -- its counter went back: there are two of it
);

CREATE TABLE pending_signins (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id      BIGINT NOT NULL REFERENCES users (id),
    token_hash   TEXT  NOT NULL UNIQUE,
    credentials  BIGINT NOT NULL,
    way          TEXT NOT NULL,
    agent        TEXT NOT NULL DEFAULT '',
    created_at   TIMESTAMP NOT NULL,
    expires_at   TIMESTAMP NOT NULL,
    failures     BIGINT NOT NULL DEFAULT 0,
    ended_at     TIMESTAMP
);

CREATE TABLE providers (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    name           TEXT NOT NULL,
    issuer         TEXT  NOT NULL,
    client_id      TEXT NOT NULL,
    sealed         TEXT NOT NULL DEFAULT '',
    second_factor  BOOLEAN NOT NULL DEFAULT FALSE, -- it asks for a second factor itself, and its word counts as one
    status         TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'off')),
    created_at     TIMESTAMP NOT NULL,
    UNIQUE (issuer, client_id)
);

CREATE TABLE recovery_codes (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id     BIGINT NOT NULL REFERENCES users (id),
    code_hash   TEXT  NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    used_at     TIMESTAMP,
    UNIQUE (user_id, code_hash)
);

CREATE TABLE roles (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    account_id   BIGINT NOT NULL REFERENCES accounts (id),
    name         TEXT NOT NULL,
    permissions  BIGINT NOT NULL,
    created_at   TIMESTAMP NOT NULL,
    UNIQUE (account_id, id),
    UNIQUE (account_id, name)
);

CREATE TABLE sessions (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id     BIGINT NOT NULL REFERENCES users (id),
    token_hash  TEXT  NOT NULL UNIQUE,
    created_at  TIMESTAMP NOT NULL,
    seen_at     TIMESTAMP NOT NULL,
    proved_at   TIMESTAMP NOT NULL,            -- when a credential was last shown in this session
    expires_at  TIMESTAMP NOT NULL,            -- absolute; seen_at bounds the idle time
    ended_at    TIMESTAMP,
    agent       TEXT NOT NULL DEFAULT '',
    network     TEXT NOT NULL DEFAULT ''
, way TEXT NOT NULL DEFAULT 'password', second_at TIMESTAMP, way_times TEXT NOT NULL DEFAULT '');

CREATE TABLE settings (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    version     BIGINT NOT NULL,
    body        TEXT NOT NULL,                 -- JSON: each setting's key and its text
    sealed      TEXT NOT NULL DEFAULT '',      -- the mail server's password
    changed_at  TIMESTAMP,
    CHECK (id = 1)
);

CREATE TABLE signups (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    address       TEXT  NOT NULL,
    name          TEXT NOT NULL,
    password      TEXT NOT NULL,
    language      TEXT NOT NULL,
    account_name  TEXT NOT NULL DEFAULT '',    -- empty: a user without an account
    currency      TEXT NOT NULL DEFAULT '',
    country       TEXT NOT NULL DEFAULT '',
    token_hash    TEXT  NOT NULL UNIQUE,
    browser_hash  TEXT  NOT NULL,
    created_at    TIMESTAMP NOT NULL,
    expires_at    TIMESTAMP NOT NULL,
    ended_at      TIMESTAMP
, terms_version BIGINT NOT NULL DEFAULT 0, answers TEXT NOT NULL DEFAULT '{}');

CREATE TABLE staff (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    address       TEXT  NOT NULL UNIQUE,
    name          TEXT NOT NULL,
    role          TEXT NOT NULL,
    password      TEXT NOT NULL,
    status        TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended')),
    created_at    TIMESTAMP NOT NULL,
    signed_in_at  TIMESTAMP
, role_id BIGINT REFERENCES staff_roles (id), credentials BIGINT NOT NULL DEFAULT 1);

CREATE TABLE staff_authenticators (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    staff_id    BIGINT NOT NULL REFERENCES staff (id),
    name        TEXT NOT NULL,
    sealed      TEXT NOT NULL,
    last_step   BIGINT NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    used_at     TIMESTAMP
);

CREATE TABLE staff_links (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    staff_id    BIGINT REFERENCES staff (id),
    token_hash  TEXT  NOT NULL UNIQUE,
    created_at  TIMESTAMP NOT NULL,
    expires_at  TIMESTAMP NOT NULL,
    ended_at    TIMESTAMP
);

CREATE TABLE staff_passkeys (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    staff_id    BIGINT NOT NULL REFERENCES staff (id),
    credential  TEXT  NOT NULL UNIQUE,
    handle      TEXT  NOT NULL,
    name        TEXT NOT NULL,
    record      TEXT NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    used_at     TIMESTAMP,
    cloned_at   TIMESTAMP
);

CREATE TABLE staff_recovery_codes (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    staff_id    BIGINT NOT NULL REFERENCES staff (id),
    code_hash   TEXT  NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    used_at     TIMESTAMP,
    UNIQUE (staff_id, code_hash)
);

CREATE TABLE staff_roles (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    name         TEXT NOT NULL UNIQUE,
    permissions  BIGINT NOT NULL,
    created_at   TIMESTAMP NOT NULL
);

CREATE TABLE staff_sessions (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    staff_id    BIGINT NOT NULL REFERENCES staff (id),
    token_hash  TEXT  NOT NULL UNIQUE,
    created_at  TIMESTAMP NOT NULL,
    seen_at     TIMESTAMP NOT NULL,
    proved_at   TIMESTAMP NOT NULL,
    expires_at  TIMESTAMP NOT NULL,
    ended_at    TIMESTAMP,
    agent       TEXT NOT NULL DEFAULT '',
    network     TEXT NOT NULL DEFAULT ''
, second_at TIMESTAMP, failures BIGINT NOT NULL DEFAULT 0);

CREATE TABLE terms (
    version       BIGINT PRIMARY KEY,
    body          TEXT NOT NULL,               -- Markdown; empty where they stand elsewhere
    link          TEXT NOT NULL,               -- where they stand
    published_at  TIMESTAMP NOT NULL
);

CREATE TABLE throttles (
    name       TEXT  NOT NULL PRIMARY KEY,
    began_at   TIMESTAMP NOT NULL,
    ends_at    TIMESTAMP NOT NULL,
    hits       BIGINT NOT NULL
);

CREATE TABLE user_links (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    user_id     BIGINT NOT NULL REFERENCES users (id),
    purpose     TEXT NOT NULL CHECK (purpose IN ('password', 'address')),
    address     TEXT  NOT NULL,
    token_hash  TEXT  NOT NULL UNIQUE,
    credentials BIGINT NOT NULL,               -- the user's at the time of sending: a change voids the link
    created_at  TIMESTAMP NOT NULL,
    expires_at  TIMESTAMP NOT NULL,
    ended_at    TIMESTAMP
);

CREATE TABLE users (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    address         TEXT  NOT NULL,
    verified_at     TIMESTAMP,
    name            TEXT NOT NULL,
    language        TEXT NOT NULL DEFAULT 'en',
    status          TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'suspended', 'deleted')),
    password        TEXT NOT NULL DEFAULT '',
    credentials     BIGINT NOT NULL DEFAULT 1, -- goes up with every change of password, address or factor
    last_account    BIGINT,                    -- a preference: where the first redirect after sign-in goes
    search          TEXT  NOT NULL DEFAULT '',
    created_at      TIMESTAMP NOT NULL,
    signed_in_at    TIMESTAMP
, second_since TIMESTAMP, import_id BIGINT REFERENCES imports (id), several BOOLEAN NOT NULL DEFAULT FALSE, merged_into BIGINT REFERENCES users (id) CHECK (merged_into IS NULL OR status <> 'active'), terms_version BIGINT NOT NULL DEFAULT 0, terms_at TIMESTAMP, suspended_at TIMESTAMP, suspended_why TEXT NOT NULL DEFAULT '');

-- SQLite: each index, by name.

CREATE INDEX account_notes_recent ON account_notes (account_id, sticky DESC, changed_at DESC);
CREATE INDEX accounts_created ON accounts (created_at);
CREATE INDEX accounts_group ON accounts (group_id, id) WHERE group_id IS NOT NULL;
CREATE INDEX accounts_status ON accounts (status, id);
CREATE INDEX address_changes_old ON address_changes (old_address) WHERE done_at IS NOT NULL AND undone_at IS NULL;
CREATE INDEX address_changes_user ON address_changes (user_id);
CREATE INDEX alarms_user ON alarms (user_id) WHERE ended_at IS NULL;
CREATE INDEX audit_records_account ON audit_records (account_id, id);
CREATE INDEX audit_records_actor ON audit_records (actor_kind, actor_id, id);
CREATE INDEX audit_records_at ON audit_records (at, id);
CREATE INDEX audit_records_behalf ON audit_records (behalf_id, id) WHERE behalf_id IS NOT NULL;
CREATE INDEX audit_records_denied ON audit_records (id) WHERE outcome = 'denied';
CREATE INDEX audit_records_event ON audit_records (event, id);
CREATE INDEX audit_records_kind ON audit_records (object_kind, id);
CREATE INDEX audit_records_object ON audit_records (object_id, id);
CREATE INDEX audit_records_staff ON audit_records (id) WHERE actor_kind = 'staff';
CREATE INDEX audit_records_subject ON audit_records (subject_id, id);
CREATE INDEX authenticators_user ON authenticators (user_id);
CREATE INDEX ceremonies_expires ON ceremonies (expires_at);
CREATE UNIQUE INDEX devices_token ON devices (token_hash, user_id);
CREATE INDEX devices_user ON devices (user_id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX factor_resets_open ON factor_resets (user_id) WHERE state = 'open';
CREATE INDEX formers_merge ON formers (merge_id);
CREATE INDEX grants_membership ON grants (account_id, membership_id) WHERE ended_at IS NULL;
CREATE INDEX identities_user ON identities (user_id);
CREATE UNIQUE INDEX impersonations_one ON impersonations (staff_session_id) WHERE ended_at IS NULL;
CREATE INDEX impersonations_running ON impersonations (id) WHERE ended_at IS NULL;
CREATE INDEX import_rows_target ON import_rows (target_id);
CREATE INDEX invitations_address ON invitations (address) WHERE state = 'pending';
CREATE UNIQUE INDEX invitations_pending ON invitations (account_id, address) WHERE state = 'pending';
CREATE INDEX invitations_waiting ON invitations (sent_at) WHERE state = 'pending';
CREATE INDEX mails_about ON mails (about_id, id);
CREATE INDEX mails_account ON mails (account_id, id);
CREATE INDEX mails_state ON mails (state, id);
CREATE INDEX mails_user ON mails (user_id, id);
CREATE INDEX memberships_accounts ON memberships (user_id, account_id, starts_at, ends_at) WHERE status = 'active';
CREATE INDEX memberships_ending ON memberships (ends_at) WHERE status = 'active' AND ends_at IS NOT NULL;
CREATE INDEX memberships_recent ON memberships (user_id, seen_at DESC, id DESC) WHERE status <> 'ended';
CREATE UNIQUE INDEX memberships_user ON memberships (account_id, user_id) WHERE status <> 'ended';
CREATE INDEX merge_parts_merge ON merge_parts (merge_id, account_id, id);
CREATE UNIQUE INDEX merges_done ON merges (other_id) WHERE state = 'done';
CREATE UNIQUE INDEX merges_keep ON merges (keep_id) WHERE state = 'asked';
CREATE INDEX merges_kept ON merges (keep_id) WHERE state = 'done';
CREATE UNIQUE INDEX merges_other ON merges (other_id) WHERE state = 'asked';
CREATE UNIQUE INDEX owner_recoveries_open ON owner_recoveries (account_id) WHERE state = 'open';
CREATE UNIQUE INDEX ownership_offers_open ON ownership_offers (account_id, to_id) WHERE state = 'open';
CREATE UNIQUE INDEX partner_links_pair ON partner_links (account_id, partner_id) WHERE status <> 'ended';
CREATE INDEX partner_links_partner ON partner_links (partner_id) WHERE status = 'active';
CREATE INDEX passkeys_handle ON passkeys (handle);
CREATE INDEX passkeys_user ON passkeys (user_id);
CREATE INDEX sessions_user ON sessions (user_id) WHERE ended_at IS NULL;
CREATE INDEX signups_address ON signups (address) WHERE ended_at IS NULL;
CREATE INDEX staff_role ON staff (role_id);
CREATE INDEX staff_authenticators_staff ON staff_authenticators (staff_id);
CREATE INDEX staff_links_staff ON staff_links (staff_id);
CREATE INDEX staff_passkeys_staff ON staff_passkeys (staff_id);
CREATE INDEX staff_sessions_staff ON staff_sessions (staff_id) WHERE ended_at IS NULL;
CREATE INDEX throttles_ends ON throttles (ends_at);
CREATE INDEX user_links_user ON user_links (user_id) WHERE ended_at IS NULL;
CREATE UNIQUE INDEX users_address ON users (address) WHERE status <> 'deleted';
CREATE INDEX users_merged ON users (merged_into) WHERE merged_into IS NOT NULL;
CREATE INDEX users_suspended ON users (suspended_at) WHERE status = 'suspended';

-- SQLite: each trigger, by name.

CREATE TRIGGER search_accounts_delete AFTER DELETE ON accounts
BEGIN INSERT INTO search_accounts (search_accounts, rowid, search) VALUES ('delete', OLD.id, ' ' || OLD.search); END;
CREATE TRIGGER search_accounts_insert AFTER INSERT ON accounts
BEGIN INSERT INTO search_accounts (rowid, search) VALUES (NEW.id, ' ' || NEW.search); END;
CREATE TRIGGER search_accounts_update AFTER UPDATE OF search ON accounts WHEN OLD.search <> NEW.search
BEGIN
    INSERT INTO search_accounts (search_accounts, rowid, search) VALUES ('delete', OLD.id, ' ' || OLD.search);
    INSERT INTO search_accounts (rowid, search) VALUES (NEW.id, ' ' || NEW.search);
END;
CREATE TRIGGER audit_checkpoints_no_delete BEFORE DELETE ON audit_checkpoints
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_checkpoints_no_replace BEFORE INSERT ON audit_checkpoints WHEN EXISTS (SELECT 1 FROM audit_checkpoints WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_checkpoints_no_update BEFORE UPDATE ON audit_checkpoints
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_heads_no_delete BEFORE DELETE ON audit_heads
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_heads_no_insert BEFORE INSERT ON audit_heads
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_heads_only_on BEFORE UPDATE ON audit_heads WHEN NEW.seq < OLD.seq OR NEW.lane <> OLD.lane
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_keys_no_delete BEFORE DELETE ON audit_keys
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_keys_no_replace BEFORE INSERT ON audit_keys WHEN EXISTS (SELECT 1 FROM audit_keys WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_keys_no_update BEFORE UPDATE OF id, public, created_at ON audit_keys
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_no_delete BEFORE DELETE ON audit_records
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_no_replace BEFORE INSERT ON audit_records WHEN EXISTS (SELECT 1 FROM audit_records WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_no_update BEFORE UPDATE ON audit_records
WHEN OLD.hash <> '' OR NEW.lane <> 0 OR OLD.id > (SELECT through FROM audit_heads WHERE lane = 0)
    OR (OLD.id, OLD.at, OLD.event, OLD.outcome, OLD.actor_kind, OLD.actor_id, OLD.via, OLD.via_id, OLD.behalf_id, OLD.account_id,
        OLD.object_kind, OLD.object_id, OLD.subject_id, OLD.before, OLD.after, OLD.request, OLD.network)
    IS NOT (NEW.id, NEW.at, NEW.event, NEW.outcome, NEW.actor_kind, NEW.actor_id, NEW.via, NEW.via_id, NEW.behalf_id, NEW.account_id,
        NEW.object_kind, NEW.object_id, NEW.subject_id, NEW.before, NEW.after, NEW.request, NEW.network)
BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER search_contacts_delete AFTER DELETE ON contacts
BEGIN INSERT INTO search_contacts (search_contacts, rowid, search) VALUES ('delete', OLD.id, ' ' || OLD.search); END;
CREATE TRIGGER search_contacts_insert AFTER INSERT ON contacts
BEGIN INSERT INTO search_contacts (rowid, search) VALUES (NEW.id, ' ' || NEW.search); END;
CREATE TRIGGER search_contacts_update AFTER UPDATE OF search ON contacts WHEN OLD.search <> NEW.search
BEGIN
    INSERT INTO search_contacts (search_contacts, rowid, search) VALUES ('delete', OLD.id, ' ' || OLD.search);
    INSERT INTO search_contacts (rowid, search) VALUES (NEW.id, ' ' || NEW.search);
END;
CREATE TRIGGER search_invitations_delete AFTER DELETE ON invitations
BEGIN INSERT INTO search_invitations (search_invitations, rowid, address) VALUES ('delete', OLD.id, ' ' || OLD.address); END;
CREATE TRIGGER search_invitations_insert AFTER INSERT ON invitations
BEGIN INSERT INTO search_invitations (rowid, address) VALUES (NEW.id, ' ' || NEW.address); END;
CREATE TRIGGER search_invitations_update AFTER UPDATE OF address ON invitations WHEN OLD.address <> NEW.address
BEGIN
    INSERT INTO search_invitations (search_invitations, rowid, address) VALUES ('delete', OLD.id, ' ' || OLD.address);
    INSERT INTO search_invitations (rowid, address) VALUES (NEW.id, ' ' || NEW.address);
END;
CREATE TRIGGER search_users_delete AFTER DELETE ON users
BEGIN INSERT INTO search_users (search_users, rowid, search) VALUES ('delete', OLD.id, ' ' || OLD.search); END;
CREATE TRIGGER search_users_insert AFTER INSERT ON users
BEGIN INSERT INTO search_users (rowid, search) VALUES (NEW.id, ' ' || NEW.search); END;
CREATE TRIGGER search_users_update AFTER UPDATE OF search ON users WHEN OLD.search <> NEW.search
BEGIN
    INSERT INTO search_users (search_users, rowid, search) VALUES ('delete', OLD.id, ' ' || OLD.search);
    INSERT INTO search_users (rowid, search) VALUES (NEW.id, ' ' || NEW.search);
END;

-- PostgreSQL: the functions and triggers, and who sees which rows.

CREATE OR REPLACE FUNCTION public.clientele_account()
 RETURNS bigint
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$ SELECT NULLIF(current_setting('clientele.account', true), '')::bigint $function$;
CREATE OR REPLACE FUNCTION public.clientele_append_only()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END $function$;
CREATE OR REPLACE FUNCTION public.clientele_chain_once()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF OLD.hash <> '' OR NEW.lane <> 0 OR OLD.id > (SELECT through FROM audit_heads WHERE lane = 0)
        OR to_jsonb(NEW) - '{lane,seq,previous,hash}'::text[] <> to_jsonb(OLD) - '{lane,seq,previous,hash}'::text[] THEN
        RAISE EXCEPTION 'the audit log is append-only';
    END IF;
    RETURN NEW;
END $function$;
CREATE OR REPLACE FUNCTION public.clientele_grams(t text)
 RETURNS text[]
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
AS $function$ SELECT COALESCE(array_agg(substr(t, n, 3)), '{}') FROM generate_series(1, length(t) - 2) n $function$;
CREATE OR REPLACE FUNCTION public.clientele_search_accounts()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO search_accounts SELECT id, ' ' || search FROM fresh;
    ELSIF TG_OP = 'UPDATE' THEN
        UPDATE search_accounts SET text = ' ' || NEW.search WHERE id = NEW.id;
    ELSE
        DELETE FROM search_accounts WHERE id = OLD.id;
    END IF;
    RETURN NULL;
END $function$;
CREATE OR REPLACE FUNCTION public.clientele_search_contacts()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO search_contacts SELECT id, ' ' || search FROM fresh;
    ELSIF TG_OP = 'UPDATE' THEN
        UPDATE search_contacts SET text = ' ' || NEW.search WHERE id = NEW.id;
    ELSE
        DELETE FROM search_contacts WHERE id = OLD.id;
    END IF;
    RETURN NULL;
END $function$;
CREATE OR REPLACE FUNCTION public.clientele_search_invitations()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO search_invitations SELECT id, ' ' || address FROM fresh;
    ELSIF TG_OP = 'UPDATE' THEN
        UPDATE search_invitations SET text = ' ' || NEW.address WHERE id = NEW.id;
    ELSE
        DELETE FROM search_invitations WHERE id = OLD.id;
    END IF;
    RETURN NULL;
END $function$;
CREATE OR REPLACE FUNCTION public.clientele_search_users()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO search_users SELECT id, ' ' || search FROM fresh;
    ELSIF TG_OP = 'UPDATE' THEN
        UPDATE search_users SET text = ' ' || NEW.search WHERE id = NEW.id;
    ELSE
        DELETE FROM search_users WHERE id = OLD.id;
    END IF;
    RETURN NULL;
END $function$;
CREATE OR REPLACE FUNCTION public.clientele_user()
 RETURNS bigint
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$ SELECT NULLIF(current_setting('clientele.user_id', true), '')::bigint $function$;
CREATE OR REPLACE FUNCTION public.clientele_wide()
 RETURNS boolean
 LANGUAGE sql
 STABLE PARALLEL SAFE
AS $function$ SELECT COALESCE(current_setting('clientele.wide', true), '') = 'on' $function$;

CREATE TRIGGER search_accounts_delete AFTER DELETE ON public.accounts FOR EACH ROW EXECUTE FUNCTION clientele_search_accounts();
CREATE TRIGGER search_accounts_insert AFTER INSERT ON public.accounts REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION clientele_search_accounts();
CREATE TRIGGER search_accounts_update AFTER UPDATE OF search ON public.accounts FOR EACH ROW WHEN ((old.search <> new.search)) EXECUTE FUNCTION clientele_search_accounts();
CREATE TRIGGER audit_append_only BEFORE DELETE OR UPDATE OR TRUNCATE ON public.audit_checkpoints FOR EACH STATEMENT EXECUTE FUNCTION clientele_append_only();
CREATE TRIGGER audit_append_only BEFORE INSERT OR DELETE OR UPDATE OF lane OR TRUNCATE ON public.audit_heads FOR EACH STATEMENT EXECUTE FUNCTION clientele_append_only();
CREATE TRIGGER audit_only_on BEFORE UPDATE ON public.audit_heads FOR EACH ROW WHEN ((new.seq < old.seq)) EXECUTE FUNCTION clientele_append_only();
CREATE TRIGGER audit_append_only BEFORE DELETE OR UPDATE OF id, public, created_at OR TRUNCATE ON public.audit_keys FOR EACH STATEMENT EXECUTE FUNCTION clientele_append_only();
CREATE TRIGGER audit_append_only BEFORE DELETE OR UPDATE OF id, at, event, outcome, actor_kind, actor_id, via, via_id, behalf_id, account_id, object_kind, object_id, subject_id, before, after, request, network OR TRUNCATE ON public.audit_records FOR EACH STATEMENT EXECUTE FUNCTION clientele_append_only();
CREATE TRIGGER audit_chain_once BEFORE UPDATE ON public.audit_records FOR EACH ROW EXECUTE FUNCTION clientele_chain_once();
CREATE TRIGGER search_contacts_delete AFTER DELETE ON public.contacts FOR EACH ROW EXECUTE FUNCTION clientele_search_contacts();
CREATE TRIGGER search_contacts_insert AFTER INSERT ON public.contacts REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION clientele_search_contacts();
CREATE TRIGGER search_contacts_update AFTER UPDATE OF search ON public.contacts FOR EACH ROW WHEN ((old.search <> new.search)) EXECUTE FUNCTION clientele_search_contacts();
CREATE TRIGGER search_invitations_delete AFTER DELETE ON public.invitations FOR EACH ROW EXECUTE FUNCTION clientele_search_invitations();
CREATE TRIGGER search_invitations_insert AFTER INSERT ON public.invitations REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION clientele_search_invitations();
CREATE TRIGGER search_invitations_update AFTER UPDATE OF address ON public.invitations FOR EACH ROW WHEN ((old.address <> new.address)) EXECUTE FUNCTION clientele_search_invitations();
CREATE TRIGGER search_users_delete AFTER DELETE ON public.users FOR EACH ROW EXECUTE FUNCTION clientele_search_users();
CREATE TRIGGER search_users_insert AFTER INSERT ON public.users REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION clientele_search_users();
CREATE TRIGGER search_users_update AFTER UPDATE OF search ON public.users FOR EACH ROW WHEN ((old.search <> new.search)) EXECUTE FUNCTION clientele_search_users();

POLICY wall ON account_notes (enabled, forced)
    USING (clientele_wide() OR (account_id = clientele_account()))
    WITH CHECK (clientele_wide() OR (account_id = clientele_account()));
POLICY wall ON account_values (enabled, forced)
    USING (clientele_wide() OR (account_id = clientele_account()))
    WITH CHECK (clientele_wide() OR (account_id = clientele_account()));
POLICY wall ON accounts (enabled, forced)
    USING (clientele_wide() OR (id = clientele_account()))
    WITH CHECK (clientele_wide() OR (id = clientele_account()));
POLICY wall ON audit_records (enabled, forced)
    USING (clientele_wide() OR (account_id = clientele_account()) OR ((actor_kind = 'user'::text) AND (actor_id = clientele_user())) OR (subject_id = clientele_user()) OR (behalf_id = clientele_user()) OR ((actor_kind = 'user'::text) AND (actor_id IN ( SELECT formers.former_id
   FROM formers
  WHERE (formers.user_id = clientele_user())))) OR (subject_id IN ( SELECT formers.former_id
   FROM formers
  WHERE (formers.user_id = clientele_user()))) OR (behalf_id IN ( SELECT formers.former_id
   FROM formers
  WHERE (formers.user_id = clientele_user()))))
    WITH CHECK (clientele_wide() OR (account_id IS NULL) OR (account_id = clientele_account()));
POLICY wall ON contacts (enabled, forced)
    USING (clientele_wide() OR (account_id = clientele_account()))
    WITH CHECK (clientele_wide() OR (account_id = clientele_account()));
POLICY wall ON grants (enabled, forced)
    USING (clientele_wide() OR (account_id = clientele_account()))
    WITH CHECK (clientele_wide() OR (account_id = clientele_account()));
POLICY wall ON impersonations (enabled, forced)
    USING (clientele_wide() OR (account_id = clientele_account()))
    WITH CHECK (clientele_wide() OR (account_id = clientele_account()));
POLICY wall ON invitation_blocks (enabled, forced)
    USING (clientele_wide() OR (account_id = clientele_account()))
    WITH CHECK (clientele_wide() OR (account_id = clientele_account()));
POLICY wall ON invitations (enabled, forced)
    USING (clientele_wide() OR (account_id = clientele_account()))
    WITH CHECK (clientele_wide() OR (account_id = clientele_account()));
POLICY wall ON mails (enabled, forced)
    USING (clientele_wide() OR (account_id = clientele_account()) OR (about_id = clientele_account()) OR (user_id = clientele_user()))
    WITH CHECK (clientele_wide() OR (((account_id IS NULL) OR (account_id = clientele_account())) AND ((about_id IS NULL) OR (about_id = clientele_account()))));
POLICY wall ON memberships (enabled, forced)
    USING (clientele_wide() OR (account_id = clientele_account()) OR (user_id = clientele_user()))
    WITH CHECK (clientele_wide() OR (account_id = clientele_account()));
POLICY wall ON merge_parts (enabled, forced)
    USING (clientele_wide() OR (account_id = clientele_account()))
    WITH CHECK (clientele_wide() OR (account_id = clientele_account()));
POLICY wall ON owner_recoveries (enabled, forced)
    USING (clientele_wide() OR (account_id = clientele_account()))
    WITH CHECK (clientele_wide() OR (account_id = clientele_account()));
POLICY wall ON owner_recovery_links (enabled, forced)
    USING (clientele_wide() OR (account_id = clientele_account()))
    WITH CHECK (clientele_wide() OR (account_id = clientele_account()));
POLICY wall ON ownership_offers (enabled, forced)
    USING (clientele_wide() OR (account_id = clientele_account()))
    WITH CHECK (clientele_wide() OR (account_id = clientele_account()));
POLICY wall ON partner_links (enabled, forced)
    USING (clientele_wide() OR (account_id = clientele_account()) OR (partner_id = clientele_account()))
    WITH CHECK (clientele_wide() OR (account_id = clientele_account()));
POLICY wall ON roles (enabled, forced)
    USING (clientele_wide() OR (account_id = clientele_account()))
    WITH CHECK (clientele_wide() OR (account_id = clientele_account()));
