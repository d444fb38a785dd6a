"""What follows the event log: reading it in order, and doing something for each event once.

`log_reader.EventLogReader` runs once in each process. It finds out how far the log may be read
(`watermark`) and notifies its followers. There are two kinds of follower:

- One for each process, such as the open streams: each process reads all events (`LogFollower`). Its
  place is in memory, and it starts at the end of the log.
- One for all nodes together, such as webhooks: each event is handled once, by any node
  (`durable_follower.DurableFollower`). Its cursor is in the database.

To handle each event once, a package brings:

1. A name for its cursor, and a handler of events (`durable_follower.EventHandler`) that writes a
   row of work for each event that concerns it. Rows and cursor are written in one transaction.
2. A table of such rows with a `store.core.work_queue.WorkQueue`. A node claims rows that are due,
   works on them outside of any transaction (a request, a mail), and settles them.
3. In `server/followers`, its `DurableFollower` among the reader's followers, and its tasks.

`contexts.load_contexts` loads what events are about: conversation, message, people.
`tests/event_log/test_durable_follower.py` is a whole follower in a hundred lines, and
`koine.webhooks` one with retries, fair shares and a circuit breaker.

Nothing here knows what follows: `realtime`, `webhooks` and later packages import this one, and
never each other.
"""
