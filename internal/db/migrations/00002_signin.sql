-- +goose Up

-- What a session has shown: how its person came in, and when she last showed
-- a second factor in it. Accounts may ask for either; see access/gate.go.
ALTER TABLE sessions ADD COLUMN way TEXT NOT NULL DEFAULT 'password'; -- 'password', 'passkey' or 'provider:N'
ALTER TABLE sessions ADD COLUMN second_at TIMESTAMP;
ALTER TABLE sessions ADD COLUMN way_times TEXT NOT NULL DEFAULT '';   -- when each way was last shown: 'password=1773662400', with commas

-- Since when a person has had a second factor without a gap.
ALTER TABLE users ADD COLUMN second_since TIMESTAMP;

-- A browser in which a person has signed in. Until trusted_until it is not
-- asked for the second step at sign-in.
ALTER TABLE devices ADD COLUMN agent TEXT NOT NULL DEFAULT '';
ALTER TABLE devices ADD COLUMN network TEXT NOT NULL DEFAULT '';
ALTER TABLE devices ADD COLUMN trusted_until TIMESTAMP;
CREATE INDEX devices_user ON devices (user_id) WHERE ended_at IS NULL;

-- What an account asks of everybody who enters it.
ALTER TABLE accounts ADD COLUMN ways TEXT NOT NULL DEFAULT '';          -- the allowed ways to sign in, with commas; empty: every way
ALTER TABLE accounts ADD COLUMN second_from TIMESTAMP;                  -- from when on a second factor is required
ALTER TABLE accounts ADD COLUMN session_hours BIGINT NOT NULL DEFAULT 0; -- how long a proof counts; 0: as long as the session

-- Authenticator apps (RFC 6238). The seed is sealed; last_step is the last
-- time step that was accepted, and none up to it is accepted again.
CREATE TABLE authenticators (
    id          {{.ID}},
    user_id     BIGINT NOT NULL REFERENCES users (id),
    name        TEXT NOT NULL,
    sealed      TEXT NOT NULL,
    last_step   BIGINT NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    used_at     TIMESTAMP
);
CREATE INDEX authenticators_user ON authenticators (user_id);

-- Passkeys (Web Authentication). record is the public half, as the library
-- keeps it; handle names the person to her authenticator and tells nothing.
CREATE TABLE passkeys (
    id          {{.ID}},
    user_id     BIGINT NOT NULL REFERENCES users (id),
    credential  TEXT {{.Binary}} NOT NULL UNIQUE,
    handle      TEXT {{.Binary}} NOT NULL,
    name        TEXT NOT NULL,
    record      TEXT NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    used_at     TIMESTAMP,
    cloned_at   TIMESTAMP                      -- its counter went back: there are two of it
);
CREATE INDEX passkeys_user ON passkeys (user_id);
CREATE INDEX passkeys_handle ON passkeys (handle);

-- Codes of 120 random bits, each good for one sign-in without the factor.
CREATE TABLE recovery_codes (
    id          {{.ID}},
    user_id     BIGINT NOT NULL REFERENCES users (id),
    code_hash   TEXT {{.Binary}} NOT NULL,
    created_at  TIMESTAMP NOT NULL,
    used_at     TIMESTAMP,
    UNIQUE (user_id, code_hash)
);

-- A sign-in whose first step is done and whose second is not. It is no
-- session: it can be finished or dropped and opens nothing else.
CREATE TABLE pending_signins (
    id           {{.ID}},
    user_id      BIGINT NOT NULL REFERENCES users (id),
    token_hash   TEXT {{.Binary}} NOT NULL UNIQUE,
    credentials  BIGINT NOT NULL,
    way          TEXT NOT NULL,
    agent        TEXT NOT NULL DEFAULT '',
    created_at   TIMESTAMP NOT NULL,
    expires_at   TIMESTAMP NOT NULL,
    failures     BIGINT NOT NULL DEFAULT 0,
    ended_at     TIMESTAMP
);

-- Steps that a browser is in the middle of: a challenge that was sent out and
-- waits for its answer. Each is answered once.
CREATE TABLE ceremonies (
    id           {{.ID}},
    kind         TEXT NOT NULL,
    token_hash   TEXT {{.Binary}} NOT NULL UNIQUE,
    user_id      BIGINT REFERENCES users (id),
    session_id   BIGINT,
    pending_id   BIGINT,
    sealed       TEXT NOT NULL,
    created_at   TIMESTAMP NOT NULL,
    expires_at   TIMESTAMP NOT NULL,
    ended_at     TIMESTAMP
);
CREATE INDEX ceremonies_expires ON ceremonies (expires_at);

-- Mailed with every change of what proves a person: "this was not me".
CREATE TABLE alarms (
    id          {{.ID}},
    user_id     BIGINT NOT NULL REFERENCES users (id),
    token_hash  TEXT {{.Binary}} NOT NULL UNIQUE,
    created_at  TIMESTAMP NOT NULL,
    expires_at  TIMESTAMP NOT NULL,
    ended_at    TIMESTAMP
);
CREATE INDEX alarms_user ON alarms (user_id) WHERE ended_at IS NULL;

CREATE TABLE address_changes (
    id           {{.ID}},
    user_id      BIGINT NOT NULL REFERENCES users (id),
    session_id   BIGINT NOT NULL,               -- the one that asked: it goes on when the change is confirmed
    old_address  TEXT {{.Binary}} NOT NULL,
    new_address  TEXT {{.Binary}} NOT NULL,
    token_hash   TEXT {{.Binary}} NOT NULL UNIQUE,
    credentials  BIGINT NOT NULL,
    created_at   TIMESTAMP NOT NULL,
    expires_at   TIMESTAMP NOT NULL,
    ended_at     TIMESTAMP,                     -- confirmed, replaced or withdrawn
    done_at      TIMESTAMP,
    undo_hash    TEXT {{.Binary}} NOT NULL UNIQUE,
    undo_until   TIMESTAMP,
    undone_at    TIMESTAMP
);
CREATE INDEX address_changes_user ON address_changes (user_id);
CREATE INDEX address_changes_old ON address_changes (old_address) WHERE done_at IS NOT NULL AND undone_at IS NULL;

-- Removing the second factor of somebody who has lost it: two operators, a
-- delay, and a mail that stops it.
CREATE TABLE factor_resets (
    id           {{.ID}},
    user_id      BIGINT NOT NULL REFERENCES users (id),
    reason       TEXT NOT NULL,
    started_by   BIGINT NOT NULL REFERENCES staff (id),
    approved_by  BIGINT REFERENCES staff (id),
    state        TEXT NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'done', 'stopped', 'withdrawn')),
    stop_hash    TEXT {{.Binary}} NOT NULL UNIQUE,
    credentials  BIGINT NOT NULL,
    created_at   TIMESTAMP NOT NULL,
    approved_at  TIMESTAMP,
    ready_at     TIMESTAMP NOT NULL,
    closed_at    TIMESTAMP,
    CHECK (approved_by IS NULL OR approved_by <> started_by)
);
CREATE UNIQUE INDEX factor_resets_open ON factor_resets (user_id) WHERE state = 'open';

-- Others through whom people sign in (OpenID Connect). The client secret is
-- sealed.
CREATE TABLE providers (
    id             {{.ID}},
    name           TEXT NOT NULL,
    issuer         TEXT {{.Binary}} NOT NULL,
    client_id      TEXT NOT NULL,
    sealed         TEXT NOT NULL DEFAULT '',
    second_factor  BOOLEAN NOT NULL DEFAULT FALSE, -- it asks for a second factor itself, and its word counts as one
    status         TEXT NOT NULL DEFAULT 'active' CHECK (status IN ('active', 'off')),
    created_at     TIMESTAMP NOT NULL,
    UNIQUE (issuer, client_id)
);

-- A person as a provider knows her: by issuer and subject, never by address.
CREATE TABLE identities (
    id           {{.ID}},
    user_id      BIGINT NOT NULL REFERENCES users (id),
    provider_id  BIGINT NOT NULL REFERENCES providers (id),
    issuer       TEXT {{.Binary}} NOT NULL,
    subject      TEXT {{.Binary}} NOT NULL,
    label        TEXT NOT NULL DEFAULT '',      -- what the provider called her when it was linked
    created_at   TIMESTAMP NOT NULL,
    used_at      TIMESTAMP,
    UNIQUE (issuer, subject)
);
CREATE INDEX identities_user ON identities (user_id);

-- One row: what tells that the secret key is the one that sealed this
-- database.
CREATE TABLE installation (
    id          BIGINT NOT NULL PRIMARY KEY CHECK (id = 1),
    key_check   TEXT NOT NULL,
    created_at  TIMESTAMP NOT NULL
);

-- +goose Down
-- There is no way back but a backup: an older release could not keep the rules of this one.
SELECT 1;
