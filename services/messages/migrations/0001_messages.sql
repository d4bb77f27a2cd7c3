-- The installation's epoch, written by `plaza migrate`.
CREATE TABLE installation (
    one   boolean PRIMARY KEY DEFAULT true CHECK (one),
    epoch uuid NOT NULL
);

-- Where each room stands. Whoever changes a room's messages locks its row
-- first: that lock is what makes seq and number gapless and in order.
CREATE TABLE room_heads (
    room_id         uuid PRIMARY KEY,
    last_seq        bigint NOT NULL DEFAULT 0,
    last_number     bigint NOT NULL DEFAULT 0 CHECK (last_number BETWEEN 0 AND last_seq),
    last_message_at timestamptz,
    changed_at      timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE INDEX room_heads_changed_at ON room_heads (changed_at);

CREATE TABLE messages (
    room_id           uuid NOT NULL,
    -- The change that made it.
    seq               bigint NOT NULL,
    -- Its place among the room's messages.
    number            bigint NOT NULL,
    -- The latest change to it.
    changed_seq       bigint NOT NULL CHECK (changed_seq >= seq),
    id                uuid NOT NULL,
    author_id         uuid NOT NULL,
    client_message_id text NOT NULL,
    -- SHA-256 of what was sent: a retry is compared with it through edits and deletion.
    sent_hash         bytea NOT NULL CHECK (length(sent_hash) = 32),
    content           text NOT NULL,
    reply_to          uuid,
    created_at        timestamptz NOT NULL,
    edited_at         timestamptz,
    deleted_at        timestamptz,
    PRIMARY KEY (room_id, seq),
    CONSTRAINT messages_id UNIQUE (id),
    CONSTRAINT messages_sent_once UNIQUE (room_id, author_id, client_message_id),
    CONSTRAINT messages_changed_seq UNIQUE (room_id, changed_seq),
    CONSTRAINT messages_deleted_are_empty CHECK (deleted_at IS NULL OR content = '')
);

-- How far each member has read; a mark only grows. Unread is last_number
-- minus read_number, and 0 without a row.
CREATE TABLE read_state (
    user_id     uuid NOT NULL,
    room_id     uuid NOT NULL,
    read_number bigint NOT NULL CHECK (read_number >= 0),
    PRIMARY KEY (user_id, room_id)
) WITH (fillfactor = 80);

-- When the last sign of life was written; decides among the replicas.
CREATE TABLE pulse (
    one       boolean PRIMARY KEY DEFAULT true CHECK (one),
    last_tick timestamptz NOT NULL
);

INSERT INTO pulse (last_tick) VALUES ('epoch');

-- Durable events on their way to Redis; the same table in every service.
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

-- Accepts a group of messages in one round trip. The arrays run in parallel:
-- one place in each is one message.
--
-- Each statement of a PL/pgSQL function takes a fresh snapshot. That is what
-- this relies on: the statement that looks for ids that exist already begins
-- after the locks are held, and so sees what was committed while it waited. A
-- single statement would look with a snapshot older than its lock, and a
-- concurrent retry would fail on the unique constraint or leave a gap.
--
-- Only the outcome of its own place tells a bad message: the others of the
-- group are accepted. Outcomes: created; repeated (accepted earlier, in its
-- present state); conflict (the id stands for something else); no_such_reply
-- (the message that it answers is not in this room).
--
-- A connection plans these statements once and keeps the plans, which may be
-- when a table is nearly empty: the settings keep such a plan from reading a
-- table that has grown since from end to end.
--
-- `events` are the events as the service writes them, with zeros where only
-- this function knows better: seq, number and time. NULL: none is wanted.
CREATE FUNCTION send_messages(
    room_ids           uuid[],
    author_ids         uuid[],
    ids                uuid[],
    client_message_ids text[],
    sent_hashes        bytea[],
    contents           text[],
    reply_tos          uuid[],
    partitions         smallint[],
    events             jsonb[],
    traceparents       text[]
) RETURNS TABLE (place bigint, outcome text, message messages)
LANGUAGE plpgsql
SET enable_seqscan = off
SET plan_cache_mode = force_generic_plan
AS $$
#variable_conflict use_column
DECLARE
    moment timestamptz;
BEGIN
    INSERT INTO room_heads (room_id)
    SELECT DISTINCT room_id FROM unnest(room_ids) AS room_id ORDER BY room_id
    ON CONFLICT DO NOTHING;

    PERFORM FROM room_heads WHERE room_id = ANY (room_ids) ORDER BY room_id FOR NO KEY UPDATE;

    -- In ms, as browsers have it.
    moment := date_trunc('milliseconds', clock_timestamp());

    RETURN QUERY
    WITH item AS (
        SELECT *
        FROM unnest(room_ids, author_ids, ids, client_message_ids, sent_hashes, contents,
                    reply_tos, partitions, events, traceparents)
             WITH ORDINALITY AS item (room_id, author_id, id, client_message_id, sent_hash,
                    content, reply_to, partition, event, traceparent, place)
    ), known AS (
        SELECT found.message
        FROM (SELECT DISTINCT room_id, author_id, client_message_id FROM item) AS asked
        CROSS JOIN LATERAL (
            SELECT messages AS message FROM messages
            WHERE messages.room_id = asked.room_id
              AND messages.author_id = asked.author_id
              AND messages.client_message_id = asked.client_message_id
        ) AS found
    ), fresh AS (
        SELECT item.*, row_number() OVER (
            PARTITION BY item.room_id, item.author_id, item.client_message_id ORDER BY item.place
        ) AS turn
        FROM item
        WHERE NOT EXISTS (
            SELECT FROM known
            WHERE (known.message).room_id = item.room_id
              AND (known.message).author_id = item.author_id
              AND (known.message).client_message_id = item.client_message_id
        ) AND (item.reply_to IS NULL OR EXISTS (
            SELECT FROM messages WHERE messages.id = item.reply_to AND messages.room_id = item.room_id
        ))
    ), placed AS (
        SELECT fresh.*,
               head.last_seq + row_number() OVER in_room AS seq,
               head.last_number + row_number() OVER in_room AS number,
               -- A clock that was set back does not set the room back.
               greatest(moment, head.last_message_at) AS created_at
        FROM fresh JOIN room_heads AS head USING (room_id)
        WHERE fresh.turn = 1
        WINDOW in_room AS (PARTITION BY fresh.room_id ORDER BY fresh.place)
    ), inserted AS (
        INSERT INTO messages (room_id, seq, number, changed_seq, id, author_id, client_message_id,
                              sent_hash, content, reply_to, created_at)
        SELECT room_id, seq, number, seq, id, author_id, client_message_id,
               sent_hash, content, reply_to, created_at
        FROM placed
        RETURNING messages AS message
    ), published AS (
        INSERT INTO outbox (partition, key, event, traceparent)
        SELECT partition, room_id::text,
               event || jsonb_build_object(
                   'seq', seq,
                   'time', stamp.text,
                   'message', event -> 'message' || jsonb_build_object(
                       'seq', seq, 'number', number, 'changedSeq', seq, 'createdAt', stamp.text)),
               traceparent
        FROM placed
        CROSS JOIN LATERAL (
            SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') AS text
        ) AS stamp
        WHERE event IS NOT NULL
        ORDER BY seq
    ), moved AS (
        UPDATE room_heads AS head
        SET last_seq = last.seq, last_number = last.number,
            last_message_at = last.created_at, changed_at = moment
        FROM (
            SELECT room_id, max(seq) AS seq, max(number) AS number, max(created_at) AS created_at
            FROM placed GROUP BY room_id
        ) AS last
        WHERE head.room_id = last.room_id
    ), marked AS (
        INSERT INTO read_state AS mark (user_id, room_id, read_number)
        SELECT author_id, room_id, max(number) FROM placed
        GROUP BY author_id, room_id ORDER BY author_id, room_id
        ON CONFLICT (user_id, room_id)
        DO UPDATE SET read_number = greatest(mark.read_number, excluded.read_number)
    ), stored AS (
        SELECT message FROM known UNION ALL SELECT message FROM inserted
    )
    SELECT item.place,
           CASE WHEN (stored.message).id IS NULL THEN 'no_such_reply'
                WHEN (stored.message).id = item.id THEN 'created'
                WHEN (stored.message).sent_hash = item.sent_hash THEN 'repeated'
                ELSE 'conflict' END,
           stored.message
    FROM item LEFT JOIN stored
      ON (stored.message).room_id = item.room_id
     AND (stored.message).author_id = item.author_id
     AND (stored.message).client_message_id = item.client_message_id;
END
$$;
