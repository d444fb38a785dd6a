-- The fastest single send in PostgreSQL: one prepared statement, one transaction, one round trip.
-- It reads and writes the rows of Koine's send: it locks the conversation, reads its state and the
-- sender's participant; it writes the message, the conversation's numbers and previews, the
-- participants' times of the last activity, the sender's read mark, and the event; it returns the
-- fields of the response. The id comes from a sequence: it grows with time, as Koine's do.
\set n random(1, @CONVERSATIONS@)
\set sender @FIRST_DRIVER@ + :n % @DRIVERS@
WITH new AS MATERIALIZED (
  SELECT CAST('@TENANT@' AS uuid) AS tenant_id,
    CAST(lpad(to_hex(CAST(:n AS bigint)), 12, '0') || '-7000-8004-000000000000' AS uuid) AS id,
    CAST(lpad(to_hex(CAST(:sender AS bigint)), 12, '0') || '-7000-8002-000000000000' AS uuid)
      AS sender_id,
    CAST(lpad(to_hex(nextval('bench_ids')), 12, '0') || '-7000-8005-000000000000' AS uuid)
      AS message_id,
    CAST('Your parcel will arrive in ten minutes. Please be at home.' AS text) AS content,
    CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint) AS at
), head AS (
  UPDATE conversations AS c SET
    last_seq = c.last_seq + 1, public_count = c.public_count + 1, last_public_seq = c.last_seq + 1,
    last_content = g.content, last_sender_kind = 'user', last_message_at = g.at,
    previous_content = c.last_content, previous_sender_kind = c.last_sender_kind,
    previous_message_at = c.last_message_at, last_activity_at = g.at, shown_at_override = NULL,
    sort_at_override = NULL, updated_at = g.at
  FROM new AS g
  JOIN participants AS p ON p.tenant_id = g.tenant_id AND p.conversation_id = g.id
    AND p.identity_id = g.sender_id AND p.left_at IS NULL
  JOIN identities AS i ON i.tenant_id = g.tenant_id AND i.id = g.sender_id
  WHERE c.tenant_id = g.tenant_id AND c.id = g.id AND c.removed_at IS NULL AND c.status <> 'closed'
  RETURNING c.tenant_id, c.id, c.last_seq, c.public_count, g.sender_id, g.message_id, g.content,
    g.at, i.name, i.email, i.avatar_url, i.role, i.number
), message AS (
  INSERT INTO messages (tenant_id, id, conversation_id, seq, public_seq, sender_id, sender_kind,
    type, content, content_type, content_attributes, private, created_at, updated_at)
  SELECT tenant_id, message_id, id, last_seq, public_count, sender_id, 'user', 'text', content,
    'text', '{}', false, at, at
  FROM head
), marks AS (
  UPDATE participants AS p SET last_activity_at = h.at,
    read_seq = CASE WHEN p.identity_id = h.sender_id THEN h.last_seq ELSE p.read_seq END,
    read_public = CASE WHEN p.identity_id = h.sender_id THEN h.public_count ELSE p.read_public END,
    read_message_id = CASE WHEN p.identity_id = h.sender_id THEN h.message_id
      ELSE p.read_message_id END
  FROM head AS h
  WHERE p.tenant_id = h.tenant_id AND p.conversation_id = h.id AND p.left_at IS NULL
), event AS (
  INSERT INTO events (tenant_id, kind, audience, conversation_id, subject_id, seq, body, created_at)
  SELECT tenant_id, 'message.created', 'everyone', id, message_id, last_seq, '{}', at FROM head
)
SELECT id, message_id, last_seq, sender_id, at, name, email, avatar_url, role, number FROM head;
