-- Applications may follow only some kinds of objects.
CREATE INDEX roster_events_by_kind ON roster_events (district_id, kind, seq);
