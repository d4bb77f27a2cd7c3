-- Rooms, their members, what discovery searches, the feed of removals and the outbox.

CREATE EXTENSION IF NOT EXISTS pg_trgm;

-- The installation's epoch, the same in each of the databases; `plaza migrate` writes it.
CREATE TABLE installation (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch uuid NOT NULL
);

CREATE TABLE rooms (
    id            uuid PRIMARY KEY,
    name          text NOT NULL CHECK (char_length(name) BETWEEN 1 AND 80),
    topic         text NOT NULL CHECK (char_length(topic) <= 250),
    visibility    text NOT NULL CHECK (visibility IN ('public', 'private')),
    fanout        text NOT NULL DEFAULT 'personal' CHECK (fanout IN ('personal', 'room')),
    -- Counts every change, gapless; assigned under the lock of this row.
    version       bigint NOT NULL,
    -- The latest change other than a join or leave: what clients compare.
    state_version bigint NOT NULL,
    member_count  bigint NOT NULL CHECK (member_count >= 0),
    -- Part of the names of the room's channels; grows when the visibility changes.
    generation    bigint NOT NULL DEFAULT 1,
    created_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- When state_version was assigned.
    updated_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    CHECK (state_version BETWEEN 1 AND version)
) WITH (fillfactor = 80);

-- What is said again when Redis may have forgotten it.
CREATE INDEX rooms_by_change ON rooms (updated_at);

-- Discovery without a search, read backwards: most members first.
CREATE INDEX rooms_by_size ON rooms (member_count, id) WHERE visibility = 'public';

-- In the order of the member list.
CREATE TYPE member_role AS ENUM ('owner', 'admin', 'moderator', 'member');

CREATE TABLE members (
    room_id     uuid NOT NULL REFERENCES rooms ON DELETE CASCADE,
    user_id     uuid NOT NULL,
    role        member_role NOT NULL,
    joined_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    muted_until timestamptz,
    PRIMARY KEY (room_id, user_id)
);

CREATE INDEX members_in_order ON members (room_id, role, joined_at, user_id);
CREATE INDEX members_by_user ON members (user_id, room_id);

-- Who may neither read nor write nor join. A row whose time is over keeps
-- nobody out; it goes when its user joins again.
CREATE TABLE bans (
    room_id    uuid NOT NULL REFERENCES rooms ON DELETE CASCADE,
    user_id    uuid NOT NULL,
    by_id      uuid NOT NULL,
    reason     text NOT NULL CHECK (char_length(reason) <= 250),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- NULL: for good.
    until      timestamptz,
    PRIMARY KEY (room_id, user_id)
);

CREATE INDEX bans_in_order ON bans (room_id, created_at, user_id);

-- Ways into a room: for one user by name, or for whoever has the token of a
-- link, of which the SHA-256 is kept. A used one stays until it ends, so that
-- a repeated acceptance is answered as the first.
CREATE TABLE invitations (
    id         uuid PRIMARY KEY,
    room_id    uuid NOT NULL REFERENCES rooms ON DELETE CASCADE,
    inviter_id uuid NOT NULL,
    user_id    uuid,
    token_hash bytea UNIQUE CHECK (length(token_hash) = 32),
    max_uses   integer NOT NULL CHECK (max_uses >= 1),
    uses       integer NOT NULL DEFAULT 0 CHECK (uses BETWEEN 0 AND max_uses),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL,
    CHECK ((user_id IS NULL) <> (token_hash IS NULL))
);

CREATE UNIQUE INDEX invitations_by_name ON invitations (room_id, user_id) WHERE user_id IS NOT NULL;
CREATE INDEX invitations_by_room ON invitations (room_id, id);
CREATE INDEX invitations_by_user ON invitations (user_id, id) WHERE user_id IS NOT NULL;
CREATE INDEX invitations_by_end ON invitations (expires_at);

-- What discovery searches. A table of its own: every join writes the room's
-- row, and would write these indexes too.
CREATE TABLE room_texts (
    room_id  uuid PRIMARY KEY REFERENCES rooms ON DELETE CASCADE,
    name     text NOT NULL,
    topic    text NOT NULL,
    document text NOT NULL GENERATED ALWAYS AS (name || E'\n' || topic) STORED,
    words    tsvector NOT NULL GENERATED ALWAYS AS (
        setweight(to_tsvector('simple', name), 'A') || setweight(to_tsvector('simple', topic), 'B')
    ) STORED
);

CREATE INDEX room_texts_names ON room_texts (lower(name));
CREATE INDEX room_texts_words ON room_texts USING gin (words);
CREATE INDEX room_texts_parts ON room_texts USING gin (document gin_trgm_ops);

-- Rooms with words that are spelled alike, at most `most`. A function for its
-- threshold: with pg_trgm's own, 0.6, a letter too few in a word of seven is too many.
CREATE FUNCTION similar_rooms(search text, most bigint) RETURNS SETOF uuid LANGUAGE sql STABLE
    SET pg_trgm.word_similarity_threshold = 0.5
    AS $$ SELECT room_id FROM room_texts WHERE search <% document LIMIT most $$;

CREATE FUNCTION copy_room_texts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO room_texts (room_id, name, topic) VALUES (NEW.id, NEW.name, NEW.topic)
    ON CONFLICT (room_id) DO UPDATE SET name = EXCLUDED.name, topic = EXCLUDED.topic;
    RETURN NULL;
END $$;

CREATE TRIGGER rooms_texts AFTER INSERT OR UPDATE OF name, topic ON rooms
    FOR EACH ROW EXECUTE FUNCTION copy_room_texts();

-- Whose access ended in the last minutes. Numbers are drawn by an update of
-- the one row of removal_feed, whose lock is held to the commit: they become
-- visible in order, and `last` with them.
CREATE TABLE removal_feed (
    one     boolean PRIMARY KEY DEFAULT true CHECK (one),
    last    bigint NOT NULL,
    -- The newest number that is forgotten.
    dropped bigint NOT NULL
);
INSERT INTO removal_feed (last, dropped) VALUES (0, 0);

CREATE TABLE removals (
    number     bigint PRIMARY KEY,
    room_id    uuid NOT NULL,
    -- NULL: everybody's.
    user_id    uuid,
    -- Why they are a member no more; NULL: what they may do has changed.
    reason     text CHECK (reason IN ('left', 'kicked', 'banned')),
    created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX removals_by_age ON removals (created_at);

-- Whose subscriptions have still to be ended at Centrifugo.
CREATE TABLE endings (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    room_id    uuid NOT NULL,
    user_id    uuid NOT NULL,
    -- Of the channels' names when the access ended.
    visibility text NOT NULL CHECK (visibility IN ('public', 'private')),
    generation bigint NOT NULL,
    ended_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- When to tell Centrifugo next. Who tells it moves this on first, so that
    -- replicas take turns and another one follows where one died.
    due_at     timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- How often Centrifugo has answered.
    told       smallint NOT NULL DEFAULT 0
);

CREATE INDEX endings_due ON endings (due_at);

-- How many people have a room open; kept for a few minutes, and not at all
-- through a crash of the database.
CREATE UNLOGGED TABLE online (
    room_id    uuid PRIMARY KEY,
    count      bigint NOT NULL,
    counted_at timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);

-- When one replica last counted for all.
CREATE TABLE online_turn (
    one      boolean PRIMARY KEY DEFAULT true CHECK (one),
    asked_at timestamptz NOT NULL
) WITH (fillfactor = 50);
INSERT INTO online_turn (asked_at) VALUES ('-infinity');

-- As plaza_events::outbox::DDL.
CREATE TABLE outbox (
    id          bigint GENERATED ALWAYS AS IDENTITY,
    partition   smallint NOT NULL CHECK (partition BETWEEN 0 AND 15),
    key         text NOT NULL,
    event       jsonb NOT NULL,
    traceparent text,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
    PRIMARY KEY (partition, id)
) WITH (
    autovacuum_vacuum_threshold = 5000,
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = -1,
    autovacuum_analyze_threshold = 50000,
    autovacuum_vacuum_cost_delay = 0
);

-- Which Redis each partition was last written to, and when that one last
-- answered: another run_id means that events may be lost.
CREATE TABLE relay (
    partition   smallint PRIMARY KEY CHECK (partition BETWEEN 0 AND 15),
    run_id      text,
    answered_at timestamptz
) WITH (fillfactor = 50);

INSERT INTO relay (partition) SELECT generate_series(0, 15);
