-- One row: the installation's epoch, written by `plaza migrate`.
CREATE TABLE installation (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch uuid NOT NULL
);

CREATE TABLE users (
    id            uuid PRIMARY KEY,
    username      text NOT NULL,
    -- The username folded for comparison; the fold is the service's, so that
    -- it does not depend on the database's collation.
    username_key  text NOT NULL CONSTRAINT users_username_key UNIQUE,
    display_name  text NOT NULL,
    -- Argon2id in PHC string format.
    password_hash text NOT NULL,
    site_role     text NOT NULL DEFAULT 'user' CHECK (site_role IN ('user', 'admin')),
    kind          text NOT NULL DEFAULT 'person' CHECK (kind IN ('person', 'bot')),
    created_at    timestamptz NOT NULL DEFAULT now(),
    disabled_at   timestamptz
);

-- A signed-in device: the family of its refresh tokens. The tokens themselves
-- are derived from id and generation, so nothing of them is stored.
CREATE TABLE sessions (
    id           uuid PRIMARY KEY,
    user_id      uuid NOT NULL REFERENCES users ON DELETE CASCADE,
    -- Of the present refresh token; grows by one with each rotation.
    generation   bigint NOT NULL DEFAULT 0,
    rotated_at   timestamptz NOT NULL DEFAULT now(),
    device       text NOT NULL DEFAULT '',
    created_at   timestamptz NOT NULL DEFAULT now(),
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    revoked_at   timestamptz
);
CREATE INDEX sessions_of_user ON sessions (user_id, id);
-- What is over, for the clean-up.
CREATE INDEX sessions_ended ON sessions (LEAST(expires_at, revoked_at));

CREATE TABLE signing_keys (
    kid         text PRIMARY KEY,
    -- published: in the JWKS, not yet signing; active: signs; retiring: in the
    -- JWKS until what it signed has expired; retired: in neither.
    state       text NOT NULL CHECK (state IN ('published', 'active', 'retiring', 'retired')),
    -- PKCS#8 (RFC 5958), P-256.
    private_key bytea NOT NULL,
    -- The uncompressed point: 4, x, y.
    public_key  bytea NOT NULL CHECK (octet_length(public_key) = 65),
    created_at  timestamptz NOT NULL DEFAULT now(),
    changed_at  timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (state) WHERE state = 'active';

-- What was revoked in the last minutes. Numbers are drawn under an advisory
-- lock that is held to the commit, so that they become visible in order.
CREATE TABLE revocations (
    number     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       text NOT NULL CHECK (kind IN ('session', 'user')),
    subject    uuid NOT NULL,
    revoked_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX revocations_by_age ON revocations (revoked_at);

-- One row: the newest number that `revocations` has forgotten.
CREATE TABLE revocation_feed (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    dropped bigint NOT NULL DEFAULT 0
);
INSERT INTO revocation_feed DEFAULT VALUES;

-- Whose open connections Centrifugo has still to close: at once, and again when
-- no token that was given before can open one any more.
CREATE TABLE endings (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id  uuid NOT NULL,
    ended_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- When to tell Centrifugo next. Who tells it moves this on first, so that
    -- replicas take turns and another one follows where one died.
    due_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- Whether Centrifugo has answered the first time.
    told     boolean NOT NULL DEFAULT false
);
CREATE INDEX endings_due ON endings (due_at);
